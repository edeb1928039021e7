/** All that no first picture needs: a file of its own, also where the modules of a page are joined. */
export { Explore } from "./explore.js";
export { openNews } from "./newsroom.js";
export { openTools } from "./toolroom.js";
