// Brings a part of the page into view, once for each turn. It stands behind make.js.
export default function ({ data: bytes, parentElement }) {
  const data = read(bytes)
  if (parentElement.shownTurn === data.turn) return
  parentElement.shownTurn = data.turn
  const find = () => {
    const boxes = data.keys.map((key) => document.querySelector(".st-key-" + CSS.escape(key))).filter(Boolean)
    boxes.sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
    return boxes[0]
  }
  const show = (tries) => {
    const box = find()
    if (!box) { if (tries > 0) setTimeout(() => show(tries - 1), 100); return }
    box.scrollIntoView({ block: data.top ? "start" : "center", behavior: "smooth" })
    const field = !data.top && box.querySelector("input,textarea,[role=spinbutton],button")
    if (field) field.focus({ preventScroll: true })
  }
  setTimeout(() => show(20), 60)
}
