// Picking something up with a mouse or a finger, and dropping it on a target: what the calendar and the board share.
const HOLD = 350 // milliseconds a finger rests on a thing before it is picked up; a shorter touch scrolls
const STIR = 5 // pixels a mouse moves before a press becomes a drag
const EDGE = 40 // pixels from the edge of the place at which it scrolls along

// `targetAt` says which element a point falls on, or none; `drop` is told what was held, and on which target it was let go.
function dragging(place, targetAt, drop) {
  let drag = null
  let hasDragged = false

  function press(event, held, element) {
    if (event.button !== 0 || drag) return
    drag = { held, element, x: event.clientX, y: event.clientY, isTouch: event.pointerType !== "mouse", ghost: null, target: null }
    if (drag.isTouch) drag.timer = setTimeout(pickUp, HOLD)
    addEventListener("pointermove", pull)
    addEventListener("pointerup", release)
    addEventListener("pointercancel", letGo)
    addEventListener("keydown", escape, true)
    addEventListener("touchmove", hold, { passive: false })
  }

  function pickUp() {
    const box = drag.element.getBoundingClientRect()
    drag.ghost = drag.element.cloneNode(true)
    drag.ghost.classList.add("ghost")
    drag.ghost.style.width = `${box.width}px`
    drag.dx = drag.x - box.left
    drag.dy = drag.y - box.top
    place.append(drag.ghost)
    drag.element.classList.add("moving")
    follow(drag.x, drag.y)
  }

  function follow(x, y) {
    drag.ghost.style.left = `${x - drag.dx}px`
    drag.ghost.style.top = `${y - drag.dy}px`
    const box = place.getBoundingClientRect()
    if (x > box.right - EDGE) place.scrollLeft += EDGE / 4
    if (x < box.left + EDGE) place.scrollLeft -= EDGE / 4
    const target = targetAt(x, y)
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

  function release() {
    const { held, target, ghost } = drag
    letGo()
    if (!ghost) return
    hasDragged = true // the click that follows the release opens nothing
    setTimeout(() => { hasDragged = false }, 50)
    if (target) drop(held, target)
  }

  function escape(event) { if (event.key === "Escape" && drag?.ghost) { event.stopPropagation(); letGo() } }

  function letGo() {
    if (!drag) return
    clearTimeout(drag.timer)
    drag.ghost?.remove()
    drag.element.classList.remove("moving")
    drag.target?.classList.remove("target")
    drag = null
    removeEventListener("pointermove", pull)
    removeEventListener("pointerup", release)
    removeEventListener("pointercancel", letGo)
    removeEventListener("keydown", escape, true)
    removeEventListener("touchmove", hold)
  }

  return { press, letGo, hasDragged: () => hasDragged }
}

function elementUnder(elements, x, y) {
  return elements.find((element) => {
    const box = element.getBoundingClientRect()
    return x >= box.left && x < box.right && y >= box.top && y < box.bottom
  })
}
