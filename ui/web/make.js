// An element with a class and a text, which is never read as HTML: what all components of our own begin with.
function make(tag, className, text) {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

const decode = (data) => new TextDecoder().decode(data)

// What a component is told: JSON as bytes.
const read = (data) => JSON.parse(decode(data))

// The same; nothing where the place shows it already, so that what is open or has the focus stays so.
function told(place, data) {
  const text = decode(data)
  if (place.shown === text) return null
  place.shown = text
  return JSON.parse(text)
}

// Shows other parts at a place; what had the focus there gets it back.
function refill(place, ...parts) {
  const active = place.getRootNode().activeElement, focused = place.contains(active) ? active.dataset.focus : undefined
  place.replaceChildren(...parts)
  if (focused) [...place.querySelectorAll("[data-focus]")].find((one) => one.dataset.focus === focused)?.focus({ preventScroll: true })
}
