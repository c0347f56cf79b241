// A ranking: lines of a name, a bar and its value. All it knows comes as data from ui/ranking.py, words included; a line tells back that it was opened.
// `trace`, `bars` and `point` are called so by plotly too, which draws all other charts. It stands behind make.js. Text of users is only ever set as text.
export default function ({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".ranking")
  place.tell = setTriggerValue
  const shown = JSON.stringify(data)
  if (place.shown === shown) return // boards are asked for changes every few seconds: what has the focus keeps it
  place.shown = shown
  place.style.setProperty("--width", data.width)

  function drawLine(line) {
    const item = make("li"), row = make(line.path ? "a" : "span", "point")
    const value = make("span", "value"), bar = make("span", "bar")
    bar.style.setProperty("--part", line.part)
    row.title = line.told
    value.append(bar, make("span", "text", line.text))
    row.append(make("span", "name", line.label), value)
    if (line.path) {
      row.href = line.path
      row.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return // into a window of its own
        event.preventDefault()
        place.tell("opened", { path: line.path })
      })
    }
    item.append(row)
    return item
  }

  const focused = [...place.querySelectorAll("a")].indexOf(document.activeElement)
  const list = make("ol", "trace bars")
  list.setAttribute("aria-label", data.title)
  list.append(...data.lines.map(drawLine))
  place.replaceChildren(list)
  if (focused >= 0) place.querySelectorAll("a")[focused]?.focus({ preventScroll: true })
}
