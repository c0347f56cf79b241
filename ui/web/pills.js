// A choice of several of a few things, as buttons that stay pressed. All it knows comes as data from ui/pill_bar.py. It stands behind make.js.
export default function ({ data: bytes, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".pills")
  place.tell = (codes) => setTriggerValue("chosen", { codes })
  const data = told(place, bytes)
  if (!data) return

  function drawPill({ key, label, chosen }) {
    const pill = make("button", "pill", label)
    pill.type = "button"
    pill.dataset.focus = key
    pill.setAttribute("aria-pressed", chosen)
    pill.addEventListener("click", () => choose(pill))
    return pill
  }

  // Marked at once: what it finds comes with the answer.
  function choose(pill) {
    pill.setAttribute("aria-pressed", !isChosen(pill))
    place.tell([...place.children].filter(isChosen).map((one) => one.dataset.focus))
  }

  const isChosen = (pill) => pill.getAttribute("aria-pressed") === "true"

  place.setAttribute("role", "group")
  place.setAttribute("aria-label", data.label)
  refill(place, ...data.options.map(drawPill))
}
