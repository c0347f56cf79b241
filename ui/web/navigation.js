// The navigation: sections that can be folded, and links to pages. All it knows comes as data from ui/navigation.py, words included. It stands behind make.js
// and press.js.
const PHONE = "(max-width: 768px)"

export default function ({ data: bytes, parentElement }) {
  const place = parentElement.querySelector(".navigation")
  const data = told(place, bytes)
  if (!data) return
  const drawn = JSON.stringify([data.label, data.sections])
  if (place.drawn !== drawn) { // else sections that are folded stay so
    place.drawn = drawn
    place.setAttribute("aria-label", data.label)
    place.replaceChildren(...data.sections.map(drawSection))
  }
  for (const link of place.querySelectorAll("a")) {
    if (link.getAttribute("href") === data.current) link.setAttribute("aria-current", "page")
    else link.removeAttribute("aria-current")
  }
}

function drawSection(section) {
  const drawn = make("details", "section"), list = make("ul", "entries")
  drawn.open = true
  list.append(...section.entries.map(drawEntry))
  drawn.append(make("summary", "title", section.title), list)
  return drawn
}

function drawEntry({ title, icon, path }) {
  const entry = make("li"), link = makePress("entry", { path, focus: path }, () => { fold(); goTo(path) })
  link.append(makeIcon(icon), make("span", "words", title))
  entry.append(link)
  return entry
}

// On a phone the navigation lies over the page.
function fold() {
  if (matchMedia(PHONE).matches) document.querySelector('[data-testid="stSidebarCollapseButton"] button')?.click()
}
