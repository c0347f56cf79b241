// The calendar: days with their tasks, which a mouse, a finger or a key moves to another day. All it knows comes as data from
// ui/calendar_view.py, words included; what somebody does is told back by triggers. It stands behind make.js and drag.js. Text of users is only ever set as text.
const ARROWS = { ArrowLeft: [-1, -1], ArrowRight: [1, 1], ArrowUp: [-7, -1], ArrowDown: [7, 1] }

export default function ({ data: bytes, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".calendar")
  const data = read(bytes)
  const focused = parentElement.activeElement?.dataset.focus
  const cells = () => [...place.querySelectorAll(".day")]
  const drags = dragging(place, dayAt, ({ task, day, button }, target) => {
    if (target.dataset.day !== day.day) move(task, target.dataset.day, button)
  })
  const cellOf = (day) => place.querySelector(`.day[data-day="${day}"]`)

  function dayAt(x, y) {
    const under = elementUnder(cells(), x, y)
    return under && !under.classList.contains("past") ? under : null
  }

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
      if (!drags.hasDragged()) setTriggerValue("opened", { id: task.id })
    })
    button.addEventListener("keydown", (event) => pressOnTask(event, task, day, button))
    if (task.movable) button.addEventListener("pointerdown", (event) => drags.press(event, { task, day, button }, button))
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
    if (day.mayAdd) cell.addEventListener("click", () => { if (!drags.hasDragged()) setTriggerValue("added", { day: day.day }) })
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
  return drags.letGo
}
