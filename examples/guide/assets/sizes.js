// How many windows fit along one axis: the arithmetic of jaxpool.output_shape, which a test compares with it.
"use strict";

// Returns {outputs, low, high, extent}, or {error} in words.
function poolSize({ size, window, stride = 1, padding = "VALID", low = 0, high = 0, dilation = 1, ceil = false }) {
  const whole = { size, window, stride, dilation };
  for (const [name, value] of Object.entries(whole)) {
    if (!Number.isInteger(value) || value < 1) return { error: `${name} must be a whole number of at least 1` };
  }
  const extent = (window - 1) * dilation + 1;
  if (padding === "NUMBERS") {
    if (!Number.isInteger(low) || !Number.isInteger(high)) return { error: "padding must be whole numbers" };
  } else if (padding === "CAUSAL") {
    [low, high] = [extent - 1, 0];
  } else if (padding === "SAME" || padding === "SAME_LOWER") {
    const wanted = (Math.ceil(size / stride) - 1) * stride + extent - size;
    const total = extent < stride ? Math.max(wanted, 0) : wanted;
    const small = Math.floor(total / 2);
    [low, high] = padding === "SAME" ? [small, total - small] : [total - small, small];
  } else {
    [low, high] = [0, 0];
  }
  if (ceil && Math.min(low, high) < 0) return { error: "padding must not be negative in ceil mode" };
  const room = size + low + high - extent;
  let outputs = Math.floor(room / stride) + 1;
  if (ceil) outputs = Math.min(Math.ceil(room / stride) + 1, Math.ceil((size + low) / stride));
  if (outputs < 1) return { error: `a window that reaches over ${extent} elements does not fit` };
  return { outputs, low, high, extent };
}

// The elements and the windows, as a picture.
function drawPool(picture, { outputs, low, high, extent }, { size, window, stride, dilation }) {
  const cell = 22, left = Math.max(low, 0), last = (outputs - 1) * stride + extent;
  const count = Math.max(last + Math.max(-low, 0), left + size + Math.max(high, 0)), tall = cell + 14 + outputs * 9;
  picture.hidden = count > 60 || outputs > 40;
  if (picture.hidden) return;
  const parts = [];
  for (let i = 0; i < count; i++) {
    const inside = i >= left && i < left + size;
    const [x, label] = [i * cell, inside ? i - left : ""];
    parts.push(`<rect x="${x + 1}" y="1" width="${cell - 2}" height="${cell - 2}" class="${inside ? "inside" : "outside"}"/>`);
    parts.push(`<text x="${x + cell / 2}" y="${cell / 2 + 4}">${label}</text>`);
  }
  for (let k = 0; k < outputs; k++) {
    const start = (k * stride - low + left) * cell, y = cell + 10 + 9 * k;
    parts.push(`<path d="M${start + 3} ${y}H${start + extent * cell - 3}" class="reach"/>`);
    for (let j = 0; j < window; j++) {
      parts.push(`<rect x="${start + j * dilation * cell + 4}" y="${y - 3}" width="${cell - 8}" height="6" class="taken"/>`);
    }
  }
  picture.setAttribute("viewBox", `0 0 ${count * cell} ${tall}`);
  picture.style.width = `${count * cell}px`;
  picture.innerHTML = parts.join("");
}

function connect(form) {
  const field = (name) => form.elements.namedItem(name);
  const update = () => {
    const read = (name) => Number(field(name).value);
    const numbers = { size: read("size"), window: read("window"), stride: read("stride"), dilation: read("dilation") };
    const padding = field("padding").value;
    for (const name of ["low", "high"]) field(name).disabled = padding !== "NUMBERS";
    const asked = { ...numbers, padding, low: read("low"), high: read("high"), ceil: field("ceil").checked };
    const found = poolSize(asked);
    const output = form.querySelector("output");
    output.value = found.error
      ? found.error
      : `${found.outputs} output${found.outputs === 1 ? "" : "s"}, padding (${found.low}, ${found.high})`;
    const picture = form.querySelector("svg");
    if (found.error) picture.hidden = true;
    else drawPool(picture, found, numbers);
    const pads = padding === "NUMBERS" ? `[(${asked.low}, ${asked.high})]` : `"${padding}"`;
    const more = (numbers.dilation > 1 ? `, window_dilation=${numbers.dilation}` : "") + (asked.ceil ? ", ceil_mode=True" : "");
    form.querySelector("code").textContent =
      `jaxpool.output_shape((${numbers.size},), (${numbers.window},), ${numbers.stride}, ${pads}${more}, channel_axis=None)`;
  };
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
}

document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("form.sizes").forEach(connect));
