// The workbench in one piece: strips of figures, and blocks of rows with what can be done with each. All it knows comes as data from ui/workbench_view.py,
// words included; what is pressed is told back by its key. It stands behind make.js, press.js and menu.js. Text of users is only ever set as text.
export default function ({ data: bytes, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".bench")
  place.tell = (press) => setTriggerValue("pressed", { key: press.key })
  const data = told(place, bytes)
  if (!data) return

  const drawPress = (press, look) => makeLabelled(press, look, () => place.tell(press))

  function drawHead(block) {
    const head = make("div", "head"), title = make("h2", "title")
    title.append(makeIcon(block.icon), make("span", "", block.title))
    head.append(title)
    if (block.count) head.append(make("span", "badge gray", block.count))
    if (block.all) head.append(drawPress(block.all, "all"))
    return head
  }

  function drawStrip(strip) {
    const drawn = make("section", "strip")
    drawn.setAttribute("aria-label", strip.title)
    drawn.append(drawHead(strip), ...strip.figures.map(drawFigure))
    return drawn
  }

  function drawFigure(figure) {
    if (!figure.press) {
      const pair = make("span", "figure")
      pair.append(make("span", "quiet", figure.label), " ", make("strong", "", figure.value))
      return pair
    }
    const press = drawPress(figure.press, "counted")
    press.append(make("span", `badge ${figure.look}`, figure.value))
    return press
  }

  function drawBlock(block) {
    const drawn = make("section", "block")
    drawn.dataset.block = block.key
    drawn.setAttribute("aria-label", block.title)
    drawn.append(drawHead(block), ...block.rows.map(drawRow))
    return drawn
  }

  function drawRow(row) {
    const drawn = make("div", "row"), main = make("div", "main")
    drawn.dataset.row = row.key
    main.append(drawName(row), ...row.lines.map((line) => make("div", "quiet", line)))
    drawn.append(main, ...row.beside.map((press) => drawPress(press, press.look || "")))
    if (row.menu.length) drawn.append(makeMore("press more", { key: row.key, of: row.title, label: data.more }, row.menu, (press) => place.tell(press)))
    return drawn
  }

  function drawName(row) {
    const name = row.opens ? drawPress(row.opens, "name") : make("div", "name")
    if (row.icon) name.prepend(makeIcon(row.icon))
    name.append(row.opens ? makeIcon("chevron_right") : make("span", "words", row.title))
    if (row.mark) name.append(make("span", "badge red", row.mark))
    return name
  }

  function drawColumn(blocks) {
    const column = make("div", "column")
    column.append(...blocks.map(drawBlock))
    return column
  }

  refill(place, ...data.strips.map(drawStrip), ...data.columns.map(drawColumn))
}
