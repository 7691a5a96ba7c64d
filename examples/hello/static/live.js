// Keeps a WebSocket open: if the server goes away, for example for a new release, it reconnects.
const state = document.getElementById("live");
const heard = document.getElementById("heard");
let socket;

function show(name) {
  state.dataset.state = name;
  state.textContent = name;
}

function connect() {
  show("connecting");
  const url = new URL("/ws", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  socket = new WebSocket(url);
  socket.onopen = () => show("open");
  socket.onmessage = (event) => {
    heard.textContent = [event.data, ...heard.textContent.split("\n")].slice(0, 5).join("\n").trim();
  };
  socket.onclose = () => {
    show("closed");
    setTimeout(connect, 1000);
  };
}

document.getElementById("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = document.getElementById("text");
  if (socket.readyState === WebSocket.OPEN && text.value !== "") {
    socket.send(text.value);
    text.value = "";
  }
});

connect();
