// What can be pressed, and boxes that open beside it: what the figures and the workbench share. It stands behind make.js.
function makeIcon(name) {
  const icon = make("span", "icon", name)
  icon.setAttribute("aria-hidden", "true")
  return icon
}

// Goes to a page of this system as its browser's own back and forward do: Streamlit runs that page at once, where asking the server first takes two runs.
function goTo(path) {
  if (location.pathname + location.search !== path) history.pushState(null, "", path)
  dispatchEvent(new PopStateEvent("popstate"))
}

// A link where it has a path, else a button; what it does is up to `follow`, except that a link opens in a window of its own as links do.
function makePress(className, { path, focus, label }, follow = () => goTo(path)) {
  const press = make(path ? "a" : "button", className)
  if (path) press.href = path
  else press.type = "button"
  press.dataset.focus = focus
  if (label) press.setAttribute("aria-label", label)
  press.addEventListener("click", (event) => {
    if (path && (press.target || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) return
    event.preventDefault()
    follow()
  })
  return press
}

// The box of a button: below it where there is room, else above.
function openBeside(button, box) {
  box.popover = "auto"
  box.addEventListener("toggle", (event) => { if (event.newState === "open") put(box, button.getBoundingClientRect()) })
  button.popoverTargetElement = box
  return box
}

function put(box, beside) {
  box.style.left = `${Math.max(8, Math.min(beside.left, innerWidth - box.offsetWidth - 8))}px`
  const isBelow = beside.bottom + box.offsetHeight + 12 < innerHeight
  box.style.top = `${isBelow ? beside.bottom + 4 : Math.max(8, beside.top - box.offsetHeight - 4)}px`
}
