// Badges, presses with a label, and menus of them: what the workbench, follow-ups and a customer's head share. It stands behind make.js and press.js.
const STEPS = { ArrowDown: 1, ArrowUp: -1 }

function makeLabelled(press, look, follow) {
  const drawn = makePress(`press ${look}`, { path: press.path, focus: press.key, label: press.spoken }, follow)
  if (press.icon) drawn.append(makeIcon(press.icon))
  drawn.append(make("span", "words", press.label))
  return drawn
}

// A state in its colour.
function makeBadge({ text, look, icon }) {
  const badge = make("span", `badge ${look}`)
  if (icon) badge.append(makeIcon(icon))
  badge.append(text)
  return badge
}

// The button of a menu; without `words` it shows three dots. The menu is made when it is opened for the first time.
function makeMore(className, { key, of, label, words }, entries, tell) {
  const more = make("button", className)
  more.type = "button"
  more.dataset.focus = `more_${key}`
  if (!words) more.title = label
  more.setAttribute("aria-label", of ? `${label}: ${of}` : label)
  more.setAttribute("aria-haspopup", "menu")
  more.append(words ? make("span", "words", words) : makeIcon("more_horiz"), makeIcon("keyboard_arrow_down"))
  more.addEventListener("click", () => { if (!more.popoverTargetElement) more.after(makeMenu(more, of || label, entries, tell)) })
  return more
}

function makeMenu(more, name, entries, tell) {
  const menu = openBeside(more, make("div", "menu"))
  menu.setAttribute("role", "menu")
  menu.setAttribute("aria-label", name)
  const close = () => { menu.hidePopover(); more.focus({ preventScroll: true }) }
  menu.append(...entries.map((press) => makeEntry(press, close, tell)))
  menu.addEventListener("toggle", (event) => { if (event.newState === "open") menu.firstChild.focus() })
  menu.addEventListener("keydown", (event) => moveIn(menu, event, close))
  return menu
}

function makeEntry(press, close, tell) {
  const entry = makeLabelled(press, "entry", () => tell(press))
  entry.setAttribute("role", "menuitem")
  entry.addEventListener("click", close)
  return entry
}

function moveIn(menu, event, close) {
  const entries = [...menu.children], step = STEPS[event.key]
  if (event.key === "Tab" || event.key === "Escape") close()
  if (!step) return
  event.preventDefault()
  const at = entries.indexOf(menu.getRootNode().activeElement)
  entries[(at + step + entries.length) % entries.length].focus()
}
