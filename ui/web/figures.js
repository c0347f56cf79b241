// The figures of a board as cards, in one piece: of elements of Streamlit each card would need five, and those take the browser most of its time.
// All it knows comes as data from ui/figure_cards.py, words included. It stands behind make.js and press.js.
export default function ({ data: bytes, parentElement }) {
  const place = parentElement.querySelector(".figures")
  const data = told(place, bytes)
  if (!data) return
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
    box.append(...figure.definition.map((line) => make("p", "", line)))
    return [button, openBeside(button, box)]
  }

  function drawLink(figure) {
    const name = { path: figure.path, focus: `rows-${figure.key}`, label: `${data.rows}: ${figure.label}` }
    const link = makePress("rows", name)
    link.append(makeIcon("table_rows"), make("span", "", data.rows))
    return link
  }

  refill(place, ...data.figures.map(drawFigure))
}
