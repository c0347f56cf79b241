// A ranking: its title, and below it lines of a name, a bar and its value. All it knows comes as data from ui/ranking.py, words included.
// `trace`, `bars` and `point` are called so by plotly too, which draws all other charts. It stands behind make.js and press.js. Text of users is only ever set as text.
export default function ({ data: bytes, parentElement }) {
  const place = parentElement.querySelector(".ranking")
  const data = told(place, bytes)
  if (!data) return
  place.style.setProperty("--width", data.width)

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

  const list = make("ol", "trace bars")
  list.setAttribute("aria-label", data.title)
  list.append(...data.lines.map(drawLine))
  refill(place, make("h3", "chart_title", data.title), list)
}
