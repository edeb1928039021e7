import { Preferences } from "./preferences.js";
import { Switches } from "./switches.js";

new Switches(new Preferences());
