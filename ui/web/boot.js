// Runs before Streamlit's own script. Streamlit words its own parts (calendar, upload box, menus) in English and has no
// setting for it; this file sets the locale, translates exactly those words, keeps the chosen theme, puts the
// shortcut "/" on the search field, and sends long texts to their draft while they are typed. Content of the pages is never touched: see skip().
(function () {
  "use strict";
  // Without it Streamlit asks for two addresses below a deep link that do not exist.
  window.__streamlit = Object.assign(window.__streamlit || {}, { BACKEND_BASE_URL: location.origin + "/" });
  var theme = /(?:^|; )kemai_theme=(light|dark)/.exec(document.cookie);
  // Dialogs stand outside the part of the page for which Streamlit says light or dark.
  document.documentElement.style.colorScheme = theme ? theme[1] : "light dark";
  try {
    var key = "stActiveTheme-" + location.pathname + "-v2";
    if (theme) localStorage.setItem(key, JSON.stringify(theme[1] === "dark" ? "Dark" : "Light"));
    else localStorage.removeItem(key);
  } catch (problem) { console.warn("the theme cannot be kept", problem); }

  document.addEventListener("keydown", function (event) {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    var active = document.activeElement;
    while (active && active.shadowRoot) active = active.shadowRoot.activeElement;
    if (active && (active.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(active.tagName) || active.getAttribute("role") === "spinbutton")) return;
    var tools = Array.prototype.find.call(document.querySelectorAll(".st-key-header_tools *"), function (part) { return part.shadowRoot; });
    var field = document.querySelector(".st-key-list_search input") || (tools && tools.shadowRoot.querySelector(".search input"));
    if (field) { event.preventDefault(); field.focus(); field.select(); }
  }, true);

  // A draft has what is typed into a long text soon after the last key: Streamlit sends it when the field is left, or with Ctrl+Enter.
  var pause;
  function keepSoon(event) {
    var field = event.target;
    if (!field.closest || field.tagName !== "TEXTAREA" || !field.closest(".st-key-follow_up_entry")) return;
    clearTimeout(pause);
    if (event.type === "compositionstart" || event.isComposing) return;
    pause = setTimeout(function () { field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", code: "Enter", ctrlKey: true, bubbles: true, cancelable: true })); }, 1000);
  }
  ["input", "compositionstart", "compositionend"].forEach(function (kind) { document.addEventListener(kind, keepSoon, true); });

  // Streamlit draws pinned columns of a table at 60 %, too pale to be read.
  var alpha = Object.getOwnPropertyDescriptor(CanvasRenderingContext2D.prototype, "globalAlpha");
  Object.defineProperty(CanvasRenderingContext2D.prototype, "globalAlpha", { get: alpha.get, set: function (value) { alpha.set.call(this, value === 0.6 ? 1 : value); }, configurable: true });

  function force(locale) {
    Object.defineProperty(Navigator.prototype, "language", { get: function () { return locale; }, configurable: true });
    Object.defineProperty(Navigator.prototype, "languages", { get: function () { return [locale]; }, configurable: true });
    window[Symbol.for("react-aria.i18n.locale")] = locale;
  }
  if (document.documentElement.lang !== "zh-CN") {
    force("en-US");
    // The Chinese fonts draw quotation marks, dashes and dots as wide as a character, which tears English apart.
    document.fonts.add(new FontFace("Kemai Latin", 'local("Segoe UI"), local("Helvetica Neue"), local("Noto Sans"), local("Liberation Sans"), local("Arial"), local("DejaVu Sans")', { unicodeRange: "U+2013-2014, U+2018-201D, U+2026" }));
    return;
  }
  force("zh-CN");

  // The exact words of Streamlit 1.67's own interface.
  var T = { "Upload": "选择文件", "Upload directories": "选择文件夹", "Drag and drop a file here": "松开鼠标即可上传", "Drag and drop files here": "松开鼠标即可上传", "Drag and drop directories here": "松开鼠标即可上传",
    "Error:": "错误：", "Error: ": "错误：", "Add files": "继续添加文件", "add icon": "", "file upload": "选择文件",
    "Navigate to home page": "回到首页", "notifications icon": "通知", "search icon": "搜索", "Logo": "客脉", "Skip to main content": "跳到正文", "Sidebar": "侧边栏", "Collapse sidebar": "收起侧边栏", "Expand sidebar": "展开侧边栏", "Open sidebar": "展开侧边栏", "App pages": "页面", "Link to heading": "标题链接", "View less": "收起",
    "Choose date": "选择日期", "Choose date and time": "选择日期和时间", "Clear date": "清除日期", "Clear dates": "清除日期", "Clear date and time": "清除日期和时间", "Clear time": "清除时间", "Time": "时间", "Use arrow keys to navigate. Enter to select. Tab to switch between calendar and time. Escape to close.": "方向键移动，回车键选择，Tab 键在日历和时间之间切换，Esc 键关闭。", "Choose date range": "选择日期范围", "year": "年", "month": "月", "day": "日", "hour": "时", "minute": "分", "Empty": "未填", "Previous month": "上个月", "Next month": "下个月", "Previous": "上一个", "Next": "下一个", "Date range": "日期范围", "Select...": "请选择", "Quick select a date range": "快速选择日期范围",
    "Choose an option": "请选择", "Choose options": "请选择", "Add an option": "请输入", "Add options": "请输入", "Choose or add an option": "选择或输入", "Choose or add options": "选择或输入", "No options to select": "没有可选项", "No options to select.": "没有可选项", "No results": "没有匹配的选项", "Select all": "全选", "Deselect all": "取消全选", "Select matches": "全选匹配项", "Open": "展开", "Dismiss": "关闭", "Close": "关闭", "Clear all": "全部清除", "Clear value": "清除", "Clear entry": "清除", "Selected values": "已选", "Increment": "增加", "Decrement": "减少", "Show password": "显示密码", "Hide password": "隐藏密码",
    "Press Enter to apply": "按回车键确认", "Press Ctrl+Enter to apply": "按 Ctrl+回车 确认", "Press Enter to submit form": "按回车键提交", "Press Ctrl+Enter to submit form": "按 Ctrl+回车 提交", "Press ⌘+Enter to apply": "按 ⌘+回车 确认", "Press ⌘+Enter to submit form": "按 ⌘+回车 提交", "This field is required.": "此项必填",
    "Pagination": "分页", "Previous page": "上一页", "Next page": "下一页", "Notifications": "通知", "Copy to clipboard": "复制", "Copied": "已复制", "Loading...": "加载中……", "Running...": "处理中", "None": "无",
    "Show/hide columns": "显示或隐藏列", "Search": "查找", "Fullscreen": "全屏", "Close fullscreen": "退出全屏", "Exit fullscreen": "退出全屏", "Type to search": "输入文字查找", "Previous Result": "上一个结果", "Next Result": "下一个结果", "Close Search": "关闭查找", "Clear selection": "取消选择", "Download as CSV": "下载",
    "Dataframe column menu": "列菜单", "Copy column name": "复制列名", "Sort ascending": "升序排列", "Sort descending": "降序排列", "Statistics": "统计", "Format": "格式", "Autosize": "自动调整列宽", "Pin column": "固定列", "Unpin column": "取消固定", "Hide column": "隐藏列",
    "yyyy": "年", "mm": "月", "dd": "日", "HH": "时",
    "Connection error": "连接已中断", "Page not found": "页面不存在", "The page that you have requested does not seem to exist. Running the app's main page.": "您访问的页面不存在，已回到首页。", "Streamlit server is not responding. Are you connected to the internet?": "服务器没有响应，请检查网络连接。", "Download plot as a PNG": "下载图片", "Zoom": "缩放", "Pan": "平移", "Zoom in": "放大", "Zoom out": "缩小", "Autoscale": "自动缩放", "Reset axes": "重置坐标轴", "Connecting": "正在连接……", "Is Streamlit still running? If you accidentally stopped Streamlit, just restart it in your terminal:": "正在重新连接服务器，请稍候。", "You need to enable JavaScript to run this app.": "请启用浏览器脚本。" };
  var M = { January: 1, February: 2, March: 3, April: 4, May: 5, June: 6, July: 7, August: 8, September: 9, October: 10, November: 11, December: 12 };
  var R = [ [/^Add: (.*)$/, "手动填写：$1"], [/^view more$/i, "查看全部"], [/^view less$/i, "收起"], [/^(\d+(?:\.\d+)?)([KMG]?B) per file$/, "每个文件不超过 $1$2"], [/^(.*) files are not allowed\.$/, "不支持这种文件"], [/^File must be (.*) or smaller\.$/, "文件不能超过 $1"],
    [/^Remove (.*)$/, "移除 $1"], [/^Help for (.*)$/, "$1的说明"], [/^Page (\d+)$/, "第 $1 页"], [/^View (\d+) more$/, "更多（$1）"], [/^(\d+) options? available\.$/, "$1 个选项"],
    [/^Choose date range, (.*)$/, "选择日期范围，$1"], [/^Choose date, (.*)$/, "选择日期，$1"], [/^Choose date and time, (.*)$/, "选择日期和时间，$1"], [/^(hour|minute),$/, function (_, a) { return T[a]; }], [/^(year|month|day|hour|minute), (.*)$/, function (_, a, b) { return t(b) + "：" + T[a]; }], [/^(.*) start date$/, "$1（开始）"], [/^(.*) end date$/, "$1（结束）"],
    [/^(\d\d) – ([A-Z][a-z]+)$/, function (s, a, b) { return M[b] ? M[b] + "月" : s; }], [/^Selected Date: ([A-Z][a-z]+) (\d\d), (\d{4})$/, function (s, a, b, c) { return "已选日期：" + c + "年" + M[a] + "月" + (+b) + "日"; }],
    [/^You can only select up to (\d+) options?\. Remove an option first\.$/, "最多选 $1 项，请先移除一项"] ];
  function t(s) {
    var k = s.trim(); if (!k || !/[A-Za-z]{2}/.test(k)) return s;
    if (Object.prototype.hasOwnProperty.call(T, k)) return s.replace(k, function () { return T[k]; });
    for (var i = 0; i < R.length; i++) if (R[i][0].test(k)) return k.replace(R[i][0], R[i][1]);
    return s;
  }
  var A = ["aria-label", "title", "placeholder", "aria-valuetext", "aria-description", "aria-roledescription"];
  // text nodes are translated only outside page content; markdown content only inside the uploader
  function skip(p) {
    if (!p || /^(SCRIPT|STYLE|TEXTAREA|NOSCRIPT)$/.test(p.tagName)) return true;
    if (p.closest('[data-testid="stIconMaterial"],canvas,[data-testid="stCode"]')) return true;
    if (p.closest('[data-testid="stMarkdownContainer"]')) return !p.closest('[data-testid="stFileUploaderDropzone"] button');
    if (p.closest('[data-testid="stFileChipName"],[role="option"]')) return !/^(Select all|Deselect all|Select matches|No results$)/.test(p.textContent);
    return false;
  }
  function text(n) { if (!skip(n.parentElement)) { var v = n.data === "mm" && n.parentElement.closest('[data-type="minute"]') ? "分" : t(n.data); if (v !== n.data) n.data = v; } }
  function attrs(e) { for (var i = 0; i < A.length; i++) { var a = e.getAttribute(A[i]); if (a) { var v = t(a); if (v !== a) e.setAttribute(A[i], v); } } }
  function walk(n) {
    if (n.nodeType === 3) return text(n);
    if (n.nodeType !== 1) return;
    attrs(n); if (!n.firstChild) return;
    var w = document.createTreeWalker(n, 5), x; while ((x = w.nextNode())) x.nodeType === 3 ? text(x) : attrs(x);
  }
  // Charts and components of our own hold no word of Streamlit's, and change most.
  function own(n) { var e = n.nodeType === 1 ? n : n.parentElement; return !e || e.namespaceURI !== document.documentElement.namespaceURI || e.closest(".stBidiComponent"); }
  new MutationObserver(function (l) { for (var i = 0; i < l.length; i++) { var m = l[i]; if (own(m.target)) continue;
    if (m.type === "childList") m.addedNodes.forEach(walk); else if (m.type === "characterData") text(m.target); else attrs(m.target); } })
    .observe(document.documentElement, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: A });
  document.addEventListener("DOMContentLoaded", function () { walk(document.body); });
  // Streamlit draws an empty table's word on a canvas
  var ft = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (s) { if (s === "empty") arguments[0] = "暂无数据"; return ft.apply(this, arguments); };
})();
