// A table of records: names that open them, cells in words, boxes to choose rows. All it knows comes as data from ui/row_table.py, words included; it tells
// back what was opened, and which rows are chosen. It stands behind make.js and press.js. Text of users is only ever set as text.
const STEPS = { ArrowDown: 1, ArrowUp: -1 }

export default function ({ data: bytes, parentElement, setStateValue, setTriggerValue }) {
  const place = parentElement.querySelector(".rows")
  place.open = (key) => setTriggerValue("opened", { key })
  place.tell = () => setStateValue("chosen", [...place.chosen])
  const data = told(place, bytes)
  if (!data) return
  const keys = data.rows.map((row) => row.key)
  place.chosen = new Set(keys.filter((key) => place.chosen?.has(key)))

  function drawHead() {
    const head = make("thead"), row = make("tr")
    if (data.choose) row.append(drawBox(make("th", "box"), data.all, "all", chooseAll))
    row.append(...data.headings.map(({ title, width, look }) => {
      const cell = make("th", look, title)
      cell.scope = "col"
      cell.style.width = `${width}px`
      return cell
    }))
    head.append(row)
    return head
  }

  function drawRow({ key, path, name, cells }) {
    const row = make("tr"), first = make("td")
    if (data.choose) row.append(drawBox(make("td", "box"), `${data.choose}: ${name}`, key, (isChosen) => choose([key], isChosen)))
    first.append(drawName(key, path, name))
    row.append(first, ...cells.map((cell, place) => drawCell(cell, data.headings[place + 1].look)))
    return row
  }

  function drawName(key, path, name) {
    const press = makePress("name", { path, focus: key }, path ? undefined : () => place.open(key))
    if (path && data.choose) press.target = "_blank" // what is chosen stays so
    press.append(makeIcon("chevron_right"), make("span", "words", name))
    return press
  }

  function drawCell(cell, look) {
    if (typeof cell === "string") return drawText(cell, look)
    const drawn = make("td", look)
    drawn.append(...cell.map((badge) => make("span", `badge ${badge.look}`, badge.text)))
    return drawn
  }

  function drawText(text, look) {
    if (!/^https?:\/\//.test(text)) return make("td", look, text)
    const cell = make("td", look), link = make("a", "outside", text)
    Object.assign(link, { href: text, target: "_blank", rel: "noopener noreferrer" })
    cell.append(link)
    return cell
  }

  function drawBox(cell, label, key, follow) {
    const box = make("input")
    box.type = "checkbox"
    box.dataset.focus = `box-${key}`
    box.setAttribute("aria-label", label)
    box.addEventListener("change", () => follow(box.checked))
    cell.append(box)
    return cell
  }

  function choose(some, isChosen) {
    for (const key of some) isChosen ? place.chosen.add(key) : place.chosen.delete(key)
    showChosen()
    place.tell()
  }

  const chooseAll = (isChosen) => choose(keys, isChosen)

  function showChosen() {
    if (!data.choose) return
    const [all, ...boxes] = place.querySelectorAll("input")
    boxes.forEach((box, number) => { box.checked = place.chosen.has(keys[number]) })
    all.checked = place.chosen.size === keys.length
    all.indeterminate = place.chosen.size > 0 && !all.checked
  }

  const table = make("table"), body = make("tbody"), width = data.headings.reduce((sum, one) => sum + one.width, 0)
  table.setAttribute("aria-label", data.label)
  table.style.minWidth = `${width}px`
  body.append(...data.rows.map(drawRow))
  table.append(drawHead(), body)
  refill(place, table)
  showChosen()

  place.onkeydown = (event) => {
    const names = [...place.querySelectorAll(".name")], at = names.indexOf(event.target), step = STEPS[event.key]
    if (at < 0 || !step || !names[at + step]) return
    event.preventDefault()
    names[at + step].focus()
  }
  place.onmouseover = ({ target }) => { // what is cut is told whole
    const words = target.closest("td, th, .words")
    if (words && !words.title && words.scrollWidth > words.clientWidth) words.title = words.textContent
  }
}
