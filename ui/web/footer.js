// The foot of a list: how many rows there are, the export, and the numbers of the pages. All it knows comes as data from ui/list_footer.py, words included;
// it tells back which page was asked for, or that the list is to be exported. It stands behind make.js and press.js.
export default function ({ data: bytes, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".footer")
  place.turn = (page) => { place.isTurned = true; setTriggerValue("turned", { page }) }
  place.tell = (press) => setTriggerValue("pressed", { key: press.key })
  const data = told(place, bytes)
  if (!data) return

  function drawCount() {
    const told = make("div", "told")
    told.append(make("span", "count", data.count))
    if (!data.export) return told
    const button = makePress("press", { focus: "export" }, () => place.tell(data.export))
    button.title = data.hint
    button.append(makeIcon("download"), make("span", "", data.export.label))
    told.append(button)
    return told
  }

  function drawPages() {
    const pages = make("nav", "pages")
    pages.setAttribute("aria-label", data.label)
    pages.append(drawStep("chevron_left", data.before, data.page - 1))
    let last = 0
    for (const number of data.numbers) {
      if (number > last + 1) pages.append(make("span", "gap", "…"))
      pages.append(drawNumber(number))
      last = number
    }
    pages.append(drawStep("chevron_right", data.next, data.page + 1))
    return pages
  }

  function drawNumber(number) {
    const button = makePress("press page", { focus: `page-${number}` }, () => place.turn(number))
    button.textContent = number.toLocaleString("en")
    if (number === data.page) button.setAttribute("aria-current", "page")
    return button
  }

  function drawStep(icon, label, number) {
    const button = makePress("press page", { focus: icon, label }, () => place.turn(number))
    button.disabled = number < 1 || number > data.pages
    button.append(makeIcon(icon))
    return button
  }

  refill(place, drawCount(), ...(data.numbers.length ? [drawPages()] : []))
  if (place.isTurned) document.querySelector('[data-testid="stMain"]').scrollTo(0, 0) // to the first row of the other page
  place.isTurned = false
}
