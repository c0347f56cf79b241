// Follow-ups as cards, in one piece: of elements of Streamlit each card would need three, and those take the browser most of its time.
// All it knows comes as data from ui/follow_up_cards.py, words included. It stands behind make.js, press.js and menu.js. Text of users is only ever set as text.
export default function ({ data: bytes, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".cards")
  place.tell = (press) => setTriggerValue("pressed", { key: press.key })
  const data = told(place, bytes)
  if (!data) return
  const tell = (press) => place.tell(press)

  function drawCard(card) {
    const drawn = make("article", `card ${data.look}`), main = make("div", "main")
    drawn.setAttribute("aria-label", card.title)
    if (card.menu.length) drawn.append(makeMore("press more", { key: card.key, of: card.title, label: data.more, words: data.more }, card.menu, tell))
    if (card.opens) main.append(drawCustomer(card.opens))
    main.append(drawHead(card), make("div", "line quiet", card.facts), ...card.lines.map(drawLine))
    if (card.files.length) main.append(drawFiles(card.files))
    drawn.append(main)
    return drawn
  }

  function drawCustomer(press) {
    const link = makeLabelled(press, "customer")
    link.append(makeIcon("chevron_right"))
    return link
  }

  function drawHead(card) {
    const head = make("div", "line")
    head.append(makeIcon(card.icon), " ", make("strong", "", card.title), ...card.badges.map(makeBadge))
    return head
  }

  function drawLine({ text, icon, look, mark }) {
    const line = make("div", `line ${look || ""}`)
    if (icon) line.append(makeIcon(icon), " ")
    line.append(text)
    if (mark) line.append(make("span", "badge red", mark))
    return line
  }

  function drawFiles(files) {
    const line = make("div", "line")
    line.append(makeIcon("attach_file"), " ", ...files.flatMap((file, place) => (place ? [" · ", drawFile(file)] : [drawFile(file)])))
    return line
  }

  function drawFile({ text, path }) {
    const file = make(path ? "a" : "span", "", text)
    if (path) Object.assign(file, { href: path, target: "_blank", rel: "noopener noreferrer" })
    return file
  }

  refill(place, ...data.cards.map(drawCard), ...(data.rest ? [makeLabelled(data.rest, "rest", () => tell(data.rest))] : []))
}
