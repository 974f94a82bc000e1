// Reads /openapi.json, shows every operation and sends requests to the service's own address. Nothing else is loaded.
"use strict";

const METHODS = ["get", "post", "put", "delete"];
const SHOWN_MAX = 200000;

// What proves that this page, not another one, asks with the session's cookie; null without a session.
let csrf = null;

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "on") node.addEventListener(value[0], value[1]);
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

function resolve(schema, api) {
  const name = schema && schema.$ref && schema.$ref.split("/").pop();
  return name ? { name, ...api.components.schemas[name] } : schema || {};
}

function typeOf(schema, api) {
  const known = resolve(schema, api);
  if (known.name) return known.name;
  if (known.enum) return known.enum.map((value) => JSON.stringify(value)).join(" | ");
  const options = known.oneOf || known.anyOf;
  if (options) return options.map((option) => typeOf(option, api)).join(" | ");
  const type = [].concat(known.type || "any").join(" | ");
  return type === "array" ? typeOf(known.items, api) + "[]" : type + (known.format ? " (" + known.format + ")" : "");
}

function exampleOf(schema, api) {
  const known = resolve(schema, api);
  if (known.example !== undefined) return known.example;
  const option = (known.oneOf || []).find((candidate) => candidate.$ref);
  if (option) return exampleOf(option, api);
  return {};
}

function field(parameter, api) {
  const input = element("input", { name: parameter.name, placeholder: typeOf(parameter.schema, api) });
  if (parameter.example) input.placeholder = "for example " + parameter.example;
  const name = element("code", {}, parameter.name + (parameter.required ? " *" : ""));
  const row = element("tr", {}, element("td", {}, name), element("td", {}, parameter.in),
    element("td", {}, input), element("td", {}, parameter.description || ""));
  return { parameter, input, row };
}

// Shows an answer as it comes, so that streams are seen while they last.
async function show(response, output) {
  const kind = response.headers.get("content-type") || "";
  const textual = /text|json|event-stream|ndjson/.test(kind);
  if (!textual) {
    const bytes = await response.arrayBuffer();
    output.textContent = bytes.byteLength + " bytes of " + (kind || "no type");
    return;
  }
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    text = (text + decoder.decode(value, { stream: true })).slice(-SHOWN_MAX);
    output.textContent = text;
  }
  if (kind.includes("json") && !kind.includes("ndjson")) {
    try { output.textContent = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
  }
}

function form(path, method, operation, api) {
  const fields = (operation.parameters || []).map((parameter) => field(parameter, api));
  const content = operation.requestBody && operation.requestBody.content;
  const json = content && content["application/json"];
  const file = content && content["application/octet-stream"];
  const body = json ? element("textarea", { spellcheck: "false", "aria-label": "body" }) : file ? element("input", { type: "file" }) : null;
  if (json) body.value = JSON.stringify(exampleOf(json.schema, api), null, 2);
  const status = element("p", { class: "status", role: "status" });
  const output = element("pre", { hidden: "" });
  let running = null;

  async function send() {
    if (running) running.abort();
    running = new AbortController();
    let address = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const { parameter, input } of fields) {
      if (parameter.in === "path") address = address.replace("{" + parameter.name + "}", encodeURIComponent(input.value));
      else if (input.value === "") continue;
      else if (parameter.in === "query") query.append(parameter.name, input.value);
      else headers[parameter.name] = input.value;
    }
    if (String(query)) address += "?" + query;
    if (csrf) headers["X-CSRF-Token"] = csrf;
    const request = { method: method.toUpperCase(), headers, signal: running.signal };
    if (json && body.value.trim()) { request.body = body.value; headers["Content-Type"] = "application/json"; }
    if (file && body.files[0]) request.body = body.files[0];
    status.textContent = request.method + " " + address + " …";
    output.hidden = false;
    output.textContent = "";
    const begun = performance.now();
    try {
      const response = await fetch(address, request);
      const ms = Math.round(performance.now() - begun);
      status.textContent = request.method + " " + address + " → " + response.status + " in " + ms + " ms, request " +
        response.headers.get("x-request-id");
      await show(response, output);
    } catch (error) {
      status.textContent += " " + (error.name === "AbortError" ? "stopped" : error.message);
    }
  }

  const parts = [];
  if (operation.description) parts.push(element("p", {}, operation.description));
  if (fields.length) {
    const head = element("tr", {}, ...["name", "in", "value", "meaning"].map((text) => element("th", {}, text)));
    parts.push(element("table", {}, head, ...fields.map(({ row }) => row)));
  }
  if (body) parts.push(element("p", {}, "Body ", element("code", {}, json ? typeOf(json.schema, api) : "file")), body);
  parts.push(element("button", { type: "button", on: ["click", send] }, "Send"));
  parts.push(element("button", { type: "button", on: ["click", () => running && running.abort()] }, "Stop"));
  parts.push(status, output);
  const answers = Object.entries(operation.responses || {}).map(([code, answer]) => {
    const types = Object.entries(answer.content || {}).map(([kind, media]) => kind + ": " + typeOf(media.schema, api));
    return element("tr", {}, element("td", {}, element("code", {}, code)), element("td", {}, answer.description || ""),
      element("td", {}, element("code", {}, types.join(", "))));
  });
  parts.push(element("table", {}, ...answers));
  return element("div", {}, ...parts);
}

function operationView(path, method, operation, api) {
  const summary = element("summary", {}, element("span", { class: "method " + method }, method.toUpperCase()),
    element("code", {}, path), element("span", { class: "about" }, operation.summary || ""));
  const details = element("details", { id: operation.operationId || "" }, summary);
  details.dataset.text = (method + " " + path + " " + (operation.summary || "")).toLowerCase();
  details.addEventListener("toggle", () => {
    if (details.open && details.childElementCount === 1) details.append(form(path, method, operation, api));
  });
  return details;
}

function schemaView(name, schema) {
  const text = element("pre", {}, JSON.stringify(schema, null, 2));
  return element("details", {}, element("summary", {}, element("code", {}, name)), element("div", {}, text));
}

// Asks who this is; a form for a token stands there when the service does not know.
async function signIn() {
  const form = document.getElementById("sign-in");
  const who = document.getElementById("who");
  const response = await fetch("/v1/session");
  form.hidden = response.status !== 401;
  if (response.ok) tell(await response.json());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = document.getElementById("token");
    const body = JSON.stringify({ token: field.value });
    field.value = "";
    const answer = await fetch("/v1/session", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    const told = await answer.json();
    who.textContent = answer.ok ? "" : told.detail;
    if (answer.ok) location.reload();
  });
  document.getElementById("sign-out").addEventListener("click", async () => {
    await fetch("/v1/session", { method: "DELETE", headers: { "X-CSRF-Token": csrf } });
    location.reload();
  });
}

function tell(session) {
  if (!session.authentication_required) return;
  csrf = session.csrf_token;
  document.getElementById("who").textContent = session.actor + " (" + session.role + ")";
  document.getElementById("sign-out").hidden = !csrf;
}

async function main() {
  const about = document.getElementById("about");
  await signIn();
  const response = await fetch("/openapi.json");
  if (response.status === 401) {
    about.textContent = "Sign in with a token to see the operations.";
    return;
  }
  if (!response.ok) {
    about.textContent = "The document cannot be read: status " + response.status;
    return;
  }
  const api = await response.json();
  about.textContent = "Version " + api.info.version + ". " + api.info.description;
  const operations = document.getElementById("operations");
  for (const tag of api.tags || []) {
    operations.append(element("h2", {}, tag.name + " ", element("small", {}, tag.description || "")));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of METHODS.filter((known) => item[known] && (item[known].tags || []).includes(tag.name))) {
        operations.append(operationView(path, method, item[method], api));
      }
    }
  }
  const schemas = document.getElementById("schemas");
  schemas.append(element("h2", {}, "Schemas"));
  for (const [name, schema] of Object.entries(api.components.schemas)) schemas.append(schemaView(name, schema));
  document.getElementById("find").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const details of operations.querySelectorAll("details")) details.hidden = !details.dataset.text.includes(wanted);
  });
}

main();
