// The head of a customer's page: badges, why they are so, and the actions. All it knows comes as data from ui/customer_head.py, words included.
// It stands behind make.js, press.js and menu.js. Text of users is only ever set as text.
export default function ({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".head")
  place.tell = (press) => setTriggerValue("pressed", { key: press.key })
  const shown = JSON.stringify(data)
  if (place.shown === shown) return // what is open or has the focus stays so
  place.shown = shown

  function drawStates() {
    const states = make("div", "states"), reasons = [...data.badges, ...data.below.map((line) => line.badge)].filter((badge) => badge.reason)
    states.append(...data.badges.map(makeBadge))
    if (reasons.length) states.append(...drawReasons(reasons))
    return states
  }

  function drawReasons(reasons) {
    const button = make("button", "why"), box = make("div", "reasons")
    button.type = "button"
    button.dataset.focus = "why"
    button.setAttribute("aria-label", data.why)
    button.append(makeIcon("help"))
    for (const { text, reason } of reasons) box.append(make("strong", "", text), make("p", "", reason))
    return [button, openBeside(button, box)]
  }

  function drawActions() {
    const actions = make("div", "actions")
    if (data.edit) actions.append(makeLabelled(data.edit, "filled"))
    if (data.menu.length) {
      actions.append(makeMore("press outlined", { key: "menu", label: data.more, words: data.more }, data.menu, (press) => place.tell(press)))
    }
    return actions
  }

  function drawLine({ badge, told }) {
    const line = make("div", "below")
    line.append(makeBadge(badge))
    if (told) line.append(make("span", "quiet", told))
    return line
  }

  const focused = parentElement.activeElement?.dataset.focus
  place.replaceChildren(drawStates(), drawActions(), ...data.below.map(drawLine))
  if (focused) place.querySelector(`[data-focus="${focused}"]`)?.focus({ preventScroll: true })
}
