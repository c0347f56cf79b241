// An element with a class and a text, which is never read as HTML: what all components of our own begin with.
function make(tag, className, text) {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}
