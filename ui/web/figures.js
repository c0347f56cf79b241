// The figures of a board as cards, in one piece: of elements of Streamlit each card would need five, and those take the browser most of its time.
// All it knows comes as data from ui/figure_cards.py, words included; a link tells back which figure it belongs to. It stands behind make.js.
export default function ({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".figures")
  place.tell = setTriggerValue
  const shown = JSON.stringify(data)
  if (place.shown === shown) return // boards are asked for changes every few seconds: what is open or has the focus stays so
  place.shown = shown
  place.style.setProperty("--across", data.across)

  function drawFigure(figure) {
    const card = make("section", "figure")
    card.setAttribute("aria-label", figure.label)
    const head = make("div", "head")
    head.append(make("span", "label", figure.label), ...drawDefinition(figure))
    card.append(head, make("div", "value", figure.value))
    if (figure.delta) card.append(make("div", "delta", figure.delta))
    if (figure.notes) card.append(make("div", "notes", figure.notes))
    if (figure.path) card.append(drawLink(figure))
    return card
  }

  function drawDefinition(figure) {
    const button = make("button", "icon", "help"), box = make("div", "definition")
    button.type = "button"
    button.dataset.focus = `help-${figure.key}`
    button.setAttribute("aria-label", `${data.help}: ${figure.label}`)
    box.popover = "auto"
    box.append(...figure.definition.map((line) => make("p", "", line)))
    box.addEventListener("toggle", (event) => { if (event.newState === "open") put(box, button.getBoundingClientRect()) })
    button.popoverTargetElement = box
    return [button, box]
  }

  function put(box, beside) {
    box.style.left = `${Math.max(8, Math.min(beside.left, innerWidth - box.offsetWidth - 8))}px`
    const isBelow = beside.bottom + box.offsetHeight + 12 < innerHeight
    box.style.top = `${isBelow ? beside.bottom + 4 : Math.max(8, beside.top - box.offsetHeight - 4)}px`
  }

  function drawLink(figure) {
    const link = make("a", "rows")
    link.href = figure.path
    link.dataset.focus = `rows-${figure.key}`
    link.setAttribute("aria-label", `${data.rows}: ${figure.label}`)
    const icon = make("span", "icon", "table_rows")
    icon.setAttribute("aria-hidden", "true")
    link.append(icon, make("span", "", data.rows))
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return // into a window of its own
      event.preventDefault()
      place.tell("opened", { figure: figure.key })
    })
    return link
  }

  const focused = parentElement.activeElement?.dataset.focus
  place.replaceChildren(...data.figures.map(drawFigure))
  if (focused) place.querySelector(`[data-focus="${focused}"]`)?.focus({ preventScroll: true })
}
