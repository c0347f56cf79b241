// The head of a customer's page: badges, why they are so, and the actions. All it knows comes as data from ui/customer_head.py, words included.
// It stands behind make.js, press.js and menu.js. Text of users is only ever set as text.
export default function ({ data: bytes, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".head")
  place.tell = (press) => setTriggerValue("pressed", { key: press.key })
  const data = told(place, bytes)
  if (!data) return

  function drawStates() {
    const states = make("div", "states"), reasons = [...data.badges, ...data.below.map((line) => line.badge)].filter((badge) => badge.reason)
    states.append(...data.badges.flatMap(drawBadge))
    if (reasons.length) states.append(...drawReasons(reasons))
    return states
  }

  function drawBadge(badge) {
    const drawn = makeBadge(badge)
    return badge.reason ? [drawn, hint(drawn, [make("p", "", badge.reason)])] : [drawn]
  }

  // All reasons at once, for the keyboard and for fingers.
  function drawReasons(reasons) {
    const button = make("button", "why")
    button.type = "button"
    button.dataset.focus = "why"
    button.setAttribute("aria-label", data.why)
    button.append(makeIcon("help"))
    return [button, hint(button, reasons.flatMap(({ text, reason }) => [make("strong", "", text), make("p", "", reason)]))]
  }

  function hint(target, lines) {
    const box = make("div", "reasons")
    box.popover = "manual"
    box.append(...lines)
    const show = () => { box.showPopover(); put(box, target.getBoundingClientRect()) }
    const hide = () => box.hidePopover()
    for (const event of ["mouseenter", "focus"]) target.addEventListener(event, show)
    for (const event of ["mouseleave", "blur"]) target.addEventListener(event, hide)
    return box
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
    line.append(...drawBadge(badge))
    if (told) line.append(make("span", "quiet", told))
    return line
  }

  refill(place, drawStates(), drawActions(), ...data.below.map(drawLine))
}
