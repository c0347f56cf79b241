// A board: columns with cards, which a mouse, a finger or a key moves to another column. All it knows comes as data from
// ui/board_view.py, words included; what somebody does is told back by triggers. It stands behind make.js and drag.js. Text of users is only ever set as text.
const SIDE = { ArrowLeft: -1, ArrowRight: 1 }
const ALONG = { ArrowUp: -1, ArrowDown: 1 }

export default function ({ data: bytes, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".board")
  const data = read(bytes)
  const focused = parentElement.activeElement?.dataset.focus
  const columns = () => [...place.querySelectorAll(".column")]
  const cards = () => [...place.querySelectorAll(".card")]
  const drags = dragging(place, (x, y) => elementUnder(columns(), x, y) || null, ({ card, from, button }, target) => move(card, from, target, button))

  function move(card, from, target, button) {
    if (!target || target.dataset.column === String(from)) return
    target.querySelector(".cards").prepend(button) // shown at once; the answer of the server draws it anew
    button.focus({ preventScroll: true })
    button.classList.add("moving")
    setTriggerValue("moved", { id: card.id, from, to: Number(target.dataset.column) })
  }

  function drawCard(card, column) {
    const button = make("button", `card ${card.look}`)
    button.type = "button"
    button.tabIndex = -1
    button.dataset.focus = `card-${card.id}`
    button.setAttribute("aria-label", card.label)
    button.append(make("span", "title", card.title), ...card.lines.map((line) => make("span", "line", line)))
    if (card.marks.length) {
      const marks = make("span", "marks")
      marks.append(...card.marks.map(({ look, text }) => make("span", `mark ${look}`, text)))
      button.append(marks)
    }
    button.addEventListener("click", () => { if (!drags.hasDragged()) setTriggerValue("opened", { id: card.id }) })
    button.addEventListener("keydown", (event) => pressOnCard(event, card, column, button))
    button.addEventListener("focus", () => rove(button))
    if (data.movable) button.addEventListener("pointerdown", (event) => drags.press(event, { card, from: column.id, button }, button))
    return button
  }

  function drawColumn(column) {
    const section = make("section", `column ${column.look}`)
    section.dataset.column = column.id
    section.setAttribute("aria-label", column.label)
    const head = make("div", "head")
    head.append(make("span", "name", column.title), make("span", "count", column.count), make("span", "sum", column.sum))
    const list = make("div", "cards")
    list.append(...column.cards.map((card) => drawCard(card, column)))
    if (column.note) list.append(make("p", "note", column.note))
    section.append(head, list)
    return section
  }

  // One card is in the order of the Tab key; arrows reach the others.
  function rove(card) {
    for (const other of cards()) other.tabIndex = other === card ? 0 : -1
  }

  function beside(button, step) {
    const all = columns()
    return all[all.indexOf(button.closest(".column")) + step]
  }

  function pressOnCard(event, card, column, button) {
    const side = SIDE[event.key], along = ALONG[event.key]
    if (!side && !along) return
    event.preventDefault()
    if (along) {
      const own = [...button.parentElement.querySelectorAll(".card")]
      own[own.indexOf(button) + along]?.focus()
    } else if (event.shiftKey) {
      if (data.movable) move(card, column.id, beside(button, side), button)
    } else {
      let target = beside(button, side)
      while (target && !target.querySelector(".card")) target = columns()[columns().indexOf(target) + side]
      target?.querySelector(".card").focus()
    }
  }

  const left = place.scrollLeft
  place.setAttribute("aria-label", data.label)
  place.replaceChildren(...data.columns.map(drawColumn))
  place.scrollLeft = left
  const again = focused && place.querySelector(`[data-focus="${focused}"]`)
  rove(again || cards()[0])
  again?.focus({ preventScroll: true })
  return drags.letGo
}
