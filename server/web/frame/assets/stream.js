// The shared worker of all pages of a browser: a browser has six connections to a
// server, and a stream for each page would take them all.

import { Events } from "./events.js";

const events = new Events();

onconnect = ({ ports: [port] }) => {
  port.onmessage = ({ data }) => events.want(port, data.topic, (message) => port.postMessage(message));
};
