// What stands at the right of the header: the search, the quick add, the bell with the newest notices, the menu of the user. All it knows comes as data from
// ui/header_tools.py, words included; what is pressed is told back by its key. It stands behind make.js, press.js and menu.js. Text of users is only ever set as text.
export default function ({ data: bytes, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".tools")
  place.tell = (press) => setTriggerValue("pressed", { key: press.key })
  const data = told(place, bytes)
  if (!data) return
  const { bell, box, ...still } = data, drawn = JSON.stringify(still)
  const tell = (press) => place.tell(press)
  if (place.drawn !== drawn) { // else the box of the bell stays open
    place.drawn = drawn
    place.bell = makeBell()
    refill(place, ...(data.search ? [makeSearch()] : []), ...(data.add ? [makeLabelled(data.add, `add ${data.look}`)] : []), ...place.bell, makeUser())
  }
  showCount()
  if (box) fillBox()

  function makeSearch() {
    const form = make("form", "search"), field = make("input")
    form.setAttribute("role", "search")
    Object.assign(field, { type: "text", placeholder: data.search.hint, autocomplete: "off" })
    field.dataset.focus = "search"
    field.setAttribute("aria-label", data.search.label)
    form.append(makeIcon("search"), field)
    form.addEventListener("submit", (event) => {
      event.preventDefault()
      const phrase = field.value.trim()
      if (phrase) goTo(`${data.search.path}?${new URLSearchParams({ q: phrase })}`)
    })
    return form
  }

  function makeBell() {
    const button = make("button", "press bell"), list = openBeside(button, make("div", "notices"))
    button.type = "button"
    button.dataset.focus = "bell"
    button.append(makeIcon("notifications"), make("span", "badge red"))
    list.addEventListener("toggle", (event) => { if (event.newState === "open") tell({ key: "notices" }) })
    return [button, list]
  }

  function showCount() {
    const [button] = place.bell
    button.title = bell.label
    button.setAttribute("aria-label", `${bell.label} ${bell.count}`.trim())
    button.querySelector(".badge").textContent = bell.count
  }

  function fillBox() {
    const [button, list] = place.bell
    const all = box.read ? [makeLabelled(box.read, "all", () => tell(box.read))] : []
    refill(list, ...all, ...box.notices.map(makeNotice), ...(box.notices.length ? [] : [make("p", "quiet", box.empty)]))
    if (list.matches(":popover-open")) put(list, button.getBoundingClientRect())
  }

  function makeNotice(notice) {
    const drawn = make("article", "notice"), head = make("div", "line"), foot = make("div", "line")
    head.append(makeIcon(notice.icon), make("strong", "words", notice.title))
    if (notice.mark) head.append(make("span", "badge red", notice.mark))
    foot.append(make("span", "quiet", notice.time))
    if (notice.opens) foot.append(makeLabelled(notice.opens, "opens", () => { place.bell[1].hidePopover(); tell(notice.opens) }))
    drawn.append(head, make("p", "", notice.sentence), foot)
    return drawn
  }

  function makeUser() {
    const user = makeMore("press user", { key: "user_menu", label: data.user.label, words: data.user.label }, data.menu, tell)
    const picture = data.user.picture ? Object.assign(make("img", "picture"), { src: data.user.picture, alt: "" }) : makeIcon("account_circle")
    user.prepend(picture)
    return user
  }
}
