// Events shares one stream of the server among all who want to hear of changes: the
// pages of a browser in its shared worker (stream.js), or one page alone.
//
// Each has a topic, a query of the event stream, while it is looked at, and is told
// { touched: [types] } when something of it changed, and { up: false } and { up: true }
// when the stream was lost and is back.

const again = 10_000; // milliseconds until a stream that was refused is tried again

export class Events {
  #wanted = new Map(); // who → { topic, tell }
  #fresh = new Set(); // who of them may have missed what changed since they were drawn
  #source = null;
  #topics = [];
  #last = ""; // the number of the last event, from which a new stream goes on
  #timer = 0;

  // want has somebody hear of a topic, or with topic "" of nothing more.
  want(who, topic, tell) {
    if (topic) this.#wanted.set(who, { topic, tell }); else this.#wanted.delete(who);
    if (topic) this.#fresh.add(who); else this.#fresh.delete(who);
    this.#soon(20); // pages often come and go together
  }

  #soon(wait) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#listen(), wait);
  }

  #tell(message, of = () => message) {
    for (const { topic, tell } of this.#wanted.values()) {
      const said = of(topic);
      if (said) tell(said);
    }
  }

  #greet() {
    for (const who of this.#fresh) this.#wanted.get(who)?.tell({ touched: ["resync"] });
    this.#fresh.clear();
  }

  #listen() {
    const topics = [...new Set([...this.#wanted.values()].map((one) => one.topic))].sort();
    const lost = !this.#source || this.#source.readyState === 2;
    if (topics.join("\n") === this.#topics.join("\n") && !(lost && topics.length)) {
      if (this.#source?.readyState === 1) this.#greet();
      return;
    }
    this.#source?.close();
    this.#source = null;
    this.#topics = topics;
    if (topics.length === 0) { this.#last = ""; return; }
    const query = topics.map((topic) => "topic=" + encodeURIComponent(topic));
    let resumes = this.#last !== "";
    if (resumes) query.push("after=" + this.#last);
    const source = this.#source = new EventSource("/api/v1/events?" + query.join("&"));
    source.addEventListener("touched", (e) => {
      this.#last = e.lastEventId;
      const touched = JSON.parse(e.data);
      this.#tell(null, (topic) => {
        const types = touched[topics.indexOf(topic)];
        return types && { touched: types };
      });
    });
    source.addEventListener("resync", (e) => {
      this.#last = e.lastEventId;
      this.#tell({ touched: ["resync"] });
    });
    source.onopen = () => {
      this.#tell({ up: true });
      // What changed before a first stream is not told by it.
      if (!resumes) for (const who of this.#wanted.keys()) this.#fresh.add(who);
      resumes = true;
      this.#greet();
    };
    source.onerror = () => {
      this.#tell({ up: false });
      if (source.readyState === 2) this.#soon(again);
    };
  }
}
