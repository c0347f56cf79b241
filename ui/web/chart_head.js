// The head of a chart: its title, a button that opens the table of its values, and a ranking, where the chart is one: lines of a name, a bar and its value.
// All it knows comes as data from ui/chart_head.py, words included. It stands behind make.js and press.js. Text of users is only ever set as text.
// `trace`, `bars` and `point` are called so by plotly too, which draws all other charts.
export default function ({ data: bytes, parentElement }) {
  const place = parentElement.querySelector(".chart_head")
  const data = told(place, bytes)
  if (!data) return

  function drawTable({ label, definition, headings, rows }) {
    const button = make("button", "chart_press"), box = make("div", "chart_table")
    button.type = "button"
    button.dataset.focus = "table"
    button.setAttribute("aria-label", `${label}: ${data.title}`)
    button.append(makeIcon("table_rows"), make("span", "", label))
    box.addEventListener("beforetoggle", () => { if (!box.firstChild) fill(box, definition, headings, rows) }, { once: true })
    return [button, openBeside(button, box)]
  }

  function fill(box, definition, headings, rows) {
    const table = make("table"), head = make("thead"), body = make("tbody"), row = make("tr")
    row.append(...headings.map((heading) => Object.assign(make("th", "", heading), { scope: "col" })))
    head.append(row)
    body.append(...rows.map(drawRow))
    table.setAttribute("aria-label", data.title)
    table.append(head, body)
    box.append(...definition.map((line, place) => make("p", place ? "" : "chart_defined", line)), table)
  }

  function drawRow({ name, path, values }) {
    const row = make("tr"), first = make("td")
    first.append(path ? Object.assign(makePress("", { path, focus: path }), { textContent: name }) : name)
    row.append(first, ...values.map((value) => make("td", "", value)))
    return row
  }

  function drawLine(line) {
    const item = make("li"), row = line.path ? makePress("point", { path: line.path, focus: line.path }) : make("span", "point")
    const value = make("span", "value"), bar = make("span", "bar")
    bar.style.setProperty("--part", line.part)
    row.title = line.told
    value.append(bar, make("span", "text", line.text))
    row.append(make("span", "name", line.label), value)
    item.append(row)
    return item
  }

  function drawRanking() {
    const list = make("ol", "trace bars ranking")
    list.style.setProperty("--width", data.width)
    list.setAttribute("aria-label", data.title)
    list.append(...data.lines.map(drawLine))
    return list
  }

  const head = make("div", "chart_title")
  head.append(make("h3", "", data.title), ...(data.table ? drawTable(data.table) : []))
  refill(place, head, ...(data.lines ? [drawRanking()] : []))
}
