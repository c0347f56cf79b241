// The calendar: days with their tasks, which a mouse, a finger or a key moves to another day. All it knows comes as data from
// ui/calendar_view.py, words included; what somebody does is told back by triggers. Text of users is only ever set as text.
const HOLD = 350 // milliseconds a finger rests on a task before it is picked up; a shorter touch scrolls
const STIR = 5 // pixels a mouse moves before a press becomes a drag
const ARROWS = { ArrowLeft: [-1, -1], ArrowRight: [1, 1], ArrowUp: [-7, -1], ArrowDown: [7, 1] }

export default function ({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".calendar")
  const focused = parentElement.activeElement?.dataset.focus
  let drag = null
  let hasDragged = false

  const make = (tag, className, text) => {
    const element = document.createElement(tag)
    if (className) element.className = className
    if (text !== undefined) element.textContent = text
    return element
  }
  const cells = () => [...place.querySelectorAll(".day")]
  const cellOf = (day) => place.querySelector(`.day[data-day="${day}"]`)

  function drawTask(task, day) {
    const button = make("button", `task ${task.look}`)
    button.type = "button"
    button.tabIndex = -1
    button.dataset.focus = `task-${task.id}`
    button.setAttribute("aria-label", task.label)
    button.title = task.label
    if (task.time) button.append(make("span", "time", task.time))
    button.append(make("span", "name", task.title))
    button.addEventListener("click", (event) => {
      event.stopPropagation()
      if (!hasDragged) setTriggerValue("opened", { id: task.id })
    })
    button.addEventListener("keydown", (event) => pressOnTask(event, task, day, button))
    if (task.movable) button.addEventListener("pointerdown", (event) => press(event, task, day, button))
    return button
  }

  function drawDay(day) {
    const cell = make("div", `day ${day.look}`)
    cell.dataset.day = day.day
    cell.dataset.focus = `day-${day.day}`
    cell.tabIndex = -1
    cell.setAttribute("role", "gridcell")
    cell.setAttribute("aria-label", day.label)
    if (day.isToday) cell.setAttribute("aria-current", "date")
    const head = make("div", "head")
    const number = make("button", "number", day.number)
    number.type = "button"
    number.tabIndex = -1
    number.title = day.show
    number.setAttribute("aria-label", day.show)
    number.addEventListener("click", (event) => { event.stopPropagation(); setTriggerValue("shown", { day: day.day }) })
    head.append(number, make("span", "weekday", day.weekday))
    if (day.mark) head.append(make("span", "mark", day.mark))
    if (day.holiday) head.append(make("span", "holiday", day.holiday))
    cell.append(head, ...day.tasks.map((task) => drawTask(task, day)))
    if (day.more) {
      const more = make("button", "more", day.more)
      more.type = "button"
      more.tabIndex = -1
      more.dataset.focus = `more-${day.day}`
      more.addEventListener("click", (event) => { event.stopPropagation(); setTriggerValue("shown", { day: day.day }) })
      cell.append(more)
    }
    if (day.mayAdd) cell.addEventListener("click", () => { if (!hasDragged) setTriggerValue("added", { day: day.day }) })
    cell.addEventListener("keydown", (event) => pressOnDay(event, day, cell))
    cell.addEventListener("focusin", () => rove(cell))
    return cell
  }

  // One day is in the order of the Tab key, with what stands in it; arrows reach the others.
  function rove(cell) {
    for (const other of cells()) {
      const isThis = other === cell
      other.tabIndex = isThis ? 0 : -1
      other.querySelectorAll("button").forEach((button) => { button.tabIndex = isThis ? 0 : -1 })
    }
  }

  function neighbour(cell, step) {
    const all = cells()
    return all[all.indexOf(cell) + step]
  }

  function stepOf(event) {
    const steps = ARROWS[event.key]
    return steps ? steps[data.view === "month" ? 0 : 1] : 0
  }

  function pressOnDay(event, day, cell) {
    if (event.target !== cell) return
    const step = stepOf(event)
    if (step) { event.preventDefault(); neighbour(cell, step)?.focus() }
    else if ((event.key === "Enter" || event.key === " ") && day.mayAdd) { event.preventDefault(); setTriggerValue("added", { day: day.day }) }
    else if (event.key === "PageUp" || event.key === "PageDown") { event.preventDefault(); setTriggerValue("turned", { by: event.key === "PageUp" ? -1 : 1 }) }
  }

  function pressOnTask(event, task, day, button) {
    const step = stepOf(event)
    if (!step) return
    event.preventDefault()
    event.stopPropagation()
    const cell = button.closest(".day")
    if (event.shiftKey) {
      const target = neighbour(cell, step)
      if (task.movable && target) move(task, target.dataset.day, button)
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const own = [...cell.querySelectorAll(".task, .more")]
      ;(own[own.indexOf(button) + (event.key === "ArrowUp" ? -1 : 1)] || cell).focus()
    } else {
      const target = neighbour(cell, step)
      ;(target?.querySelector(".task") || target)?.focus()
    }
  }

  function move(task, day, button) {
    cellOf(day)?.append(button) // shown at once; the answer of the server draws it anew
    button.focus({ preventScroll: true }) // lost when it went to its new place
    button.classList.add("moving")
    setTriggerValue("moved", { id: task.id, version: task.version, day })
  }

  function press(event, task, day, button) {
    if (event.button !== 0 || drag) return
    drag = { task, day, button, x: event.clientX, y: event.clientY, isTouch: event.pointerType !== "mouse", ghost: null, target: null }
    if (drag.isTouch) drag.timer = setTimeout(pickUp, HOLD)
    addEventListener("pointermove", pull)
    addEventListener("pointerup", drop)
    addEventListener("pointercancel", letGo)
    addEventListener("keydown", escape, true)
    addEventListener("touchmove", hold, { passive: false })
  }

  function pickUp() {
    const box = drag.button.getBoundingClientRect()
    drag.ghost = drag.button.cloneNode(true)
    drag.ghost.classList.add("ghost")
    drag.ghost.style.width = `${box.width}px`
    drag.dx = drag.x - box.left
    drag.dy = drag.y - box.top
    place.append(drag.ghost)
    drag.button.classList.add("moving")
    follow(drag.x, drag.y)
  }

  function follow(x, y) {
    drag.ghost.style.left = `${x - drag.dx}px`
    drag.ghost.style.top = `${y - drag.dy}px`
    const under = cells().find((cell) => {
      const box = cell.getBoundingClientRect()
      return x >= box.left && x < box.right && y >= box.top && y < box.bottom
    })
    const target = under && !under.classList.contains("past") ? under : null
    if (target !== drag.target) {
      drag.target?.classList.remove("target")
      target?.classList.add("target")
      drag.target = target
    }
  }

  function pull(event) {
    const isFar = Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > STIR
    if (!drag.ghost && drag.isTouch && isFar) { letGo(); return }
    if (!drag.ghost && isFar) pickUp()
    if (drag.ghost) { event.preventDefault(); follow(event.clientX, event.clientY) }
  }

  function hold(event) { if (drag?.ghost) event.preventDefault() } // else the page would scroll along

  function drop() {
    const { task, day, button, target, ghost } = drag
    letGo()
    if (!ghost) return
    hasDragged = true // the click that follows the release opens nothing
    setTimeout(() => { hasDragged = false }, 50)
    if (target && target.dataset.day !== day.day) move(task, target.dataset.day, button)
  }

  function escape(event) { if (event.key === "Escape" && drag?.ghost) { event.stopPropagation(); letGo() } }

  function letGo() {
    if (!drag) return
    clearTimeout(drag.timer)
    drag.ghost?.remove()
    drag.button.classList.remove("moving")
    drag.target?.classList.remove("target")
    drag = null
    removeEventListener("pointermove", pull)
    removeEventListener("pointerup", drop)
    removeEventListener("pointercancel", letGo)
    removeEventListener("keydown", escape, true)
    removeEventListener("touchmove", hold)
  }

  const grid = make("div", `grid ${data.view}`)
  grid.setAttribute("role", "grid")
  grid.setAttribute("aria-label", data.title)
  if (data.view !== "day") {
    const headings = make("div", "row headings")
    headings.setAttribute("role", "row")
    for (const name of data.weekdays) {
      const heading = make("div", "heading", name)
      heading.setAttribute("role", "columnheader")
      headings.append(heading)
    }
    grid.append(headings)
  }
  for (let first = 0; first < data.days.length; first += 7) {
    const row = make("div", "row")
    row.setAttribute("role", "row")
    row.append(...data.days.slice(first, first + 7).map(drawDay))
    grid.append(row)
  }
  place.replaceChildren(grid)
  const again = focused && place.querySelector(`[data-focus="${focused}"]`)
  rove(again?.closest(".day") || place.querySelector(".day.today") || cells()[0])
  again?.focus({ preventScroll: true })
  return letGo
}
