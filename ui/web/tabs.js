// A choice of one part of a page, as radio buttons that look like tabs. It stands behind make.js.
const STEPS = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }

export default function ({ data: bytes, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".tabs")
  place.tell = (label) => setTriggerValue("chosen", { label })
  const data = told(place, bytes)
  if (!data) return
  const drawn = JSON.stringify(data.labels)
  if (place.drawn !== drawn) { // else what has the focus keeps it
    place.drawn = drawn
    place.setAttribute("role", "radiogroup")
    place.setAttribute("aria-label", data.label)
    place.replaceChildren(...data.labels.map(drawTab))
    place.onkeydown = move
  }
  mark(data.chosen)

  function drawTab(label) {
    const tab = make("button", "tab", label)
    tab.type = "button"
    tab.setAttribute("role", "radio")
    tab.addEventListener("click", () => choose(label))
    return tab
  }

  // Marked at once: the part itself comes with the answer.
  function choose(label) {
    mark(label)
    place.tell(label)
  }

  function mark(label) {
    for (const tab of place.children) {
      const isChosen = tab.textContent === label
      tab.setAttribute("aria-checked", isChosen)
      tab.tabIndex = isChosen ? 0 : -1
    }
  }

  function move(event) {
    const tabs = [...place.children], step = STEPS[event.key]
    if (!step) return
    event.preventDefault()
    const next = tabs[(tabs.indexOf(parentElement.activeElement) + step + tabs.length) % tabs.length]
    next.focus()
    choose(next.textContent)
  }
}
