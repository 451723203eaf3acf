// The tab Live in the browser: sends frames of the camera by a WebSocket, and shows the annotated ones.
const PARTS = ["toggle", "rate", "status", "picture", "bars", "aus", "drawn"];
const [toggle, rate, status, picture, bars, aus, drawn] = PARTS.map((part) => element.querySelector(`[data-part=${part}]`));
const MAX_SIDE = 640; // pixels; larger frames show no more
const REFUSED = {
  NotAllowedError: "The camera was refused. Allow it beside the browser's address bar, then start again.",
  NotFoundError: "No camera was found. Plug one in, then start again.",
  NotReadableError: "The camera cannot be read. Close other programs that use it, then start again.",
};
const NOT_SECURE =
  "Browsers allow the camera only on pages of this computer or by https. From another computer, run " +
  `ssh -L 7860:127.0.0.1:${location.port || 80} ${location.hostname} and open http://127.0.0.1:7860.`;

let running = null; // the session of the running camera: stream, video, socket, ready, waiting, shown

function say(text) {
  status.textContent = text;
  status.hidden = !text;
}

function stop(text = "") {
  const old = running;
  running = null;
  old?.stream.getTracks().forEach((track) => track.stop());
  old?.socket?.close();
  toggle.textContent = "Start the camera";
  rate.textContent = "";
  say(text);
}

async function start() {
  if (!navigator.mediaDevices) return say(NOT_SECURE);
  toggle.disabled = true;
  say("Waiting for the camera");
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 }, audio: false });
    const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
    await video.play();
    const socket = new WebSocket(new URL("live", document.baseURI).href.replace(/^http/, "ws"));
    socket.binaryType = "blob";
    const session = { stream, video, socket, ready: null, waiting: false, shown: [] };
    running = session;
    socket.onopen = () => video.requestVideoFrameCallback(() => take(session));
    socket.onmessage = ({ data }) => (typeof data === "string" ? handle(session, JSON.parse(data)) : show(session, data));
    socket.onclose = () => session === running && stop("mien app has ended. Run it again, then start the camera.");
    stream.getVideoTracks()[0].onended = () => session === running && stop("The camera was unplugged.");
    toggle.textContent = "Stop the camera";
    say("");
  } catch (error) {
    stop(REFUSED[error.name] ?? `The camera cannot be used: ${error.message}`);
  } finally {
    toggle.disabled = false;
  }
}

// Encode the newest frame while the server reads the last one; skip frames while it waits.
function take(session) {
  if (session !== running) return;
  if (!element.offsetParent) return stop(); // another tab is shown
  session.video.requestVideoFrameCallback(() => take(session));
  if (session.ready) return;
  const { video } = session;
  const scale = Math.min(1, MAX_SIDE / Math.max(video.videoWidth, video.videoHeight));
  const canvas = (session.ready = document.createElement("canvas"));
  canvas.width = video.videoWidth * scale;
  canvas.height = video.videoHeight * scale;
  canvas.getContext("2d").drawImage(video, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((file) => { session.ready = file; send(session); }, "image/jpeg", 0.85);
}

function send(session) {
  if (session !== running || session.waiting || !(session.ready instanceof Blob)) return;
  session.socket.send(session.ready);
  session.ready = null;
  session.waiting = true;
}

function handle(session, answer) {
  if (session !== running) return;
  if (answer.error) return stop(answer.error);
  bars.innerHTML = answer.bars;
  aus.innerHTML = answer.aus;
  drawn.hidden = !answer.drawn;
  if (answer.drawn) drawn.src = answer.drawn; // in place: a new element would flicker
  say(answer.bars ? "" : "No face found. Look at the camera, with light from the front.");
}

async function show(session, file) {
  session.waiting = false;
  send(session);
  const image = await createImageBitmap(file);
  if (session !== running) return;
  picture.width = image.width;
  picture.height = image.height;
  picture.getContext("2d").drawImage(image, 0, 0);
  const now = performance.now();
  session.shown = [...session.shown.filter((time) => now - time < 2000), now];
  const seconds = (now - session.shown[0]) / 1000;
  if (seconds > 0.5) rate.textContent = `${((session.shown.length - 1) / seconds).toFixed(0)} frames/s`;
}

toggle.addEventListener("click", () => (running ? stop() : start()));
