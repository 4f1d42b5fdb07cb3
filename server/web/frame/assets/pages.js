// Pages work without this module. With it they follow what happens, fields that
// do not apply are hidden, and rows are added without asking the server.
import { follow } from "./live.js";
import { forms } from "./forms.js";
import { pops } from "./pops.js";

document.documentElement.classList.add("js");
forms(document);
pops();
follow();
