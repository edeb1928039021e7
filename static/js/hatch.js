/** Side of the tile that the pattern repeats, pixels. */
const TILE = 8;

/** The pattern that everywhere says: here nothing is known. Made once for each canvas and colour. */
export class Hatch {
  colour = "";
  /** @type {CanvasPattern | null} */
  pattern = null;
  /** @type {CanvasRenderingContext2D | null} */
  ctx = null;

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {string} colour
   */
  of(ctx, colour) {
    if (ctx === this.ctx && colour === this.colour && this.pattern) return this.pattern;
    const tile = document.createElement("canvas");
    tile.width = tile.height = TILE;
    const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext("2d"));
    pen.strokeStyle = colour;
    pen.lineWidth = 1.5;
    for (const shift of [-TILE, 0, TILE]) {
      pen.beginPath();
      pen.moveTo(shift - 1, TILE + 1);
      pen.lineTo(shift + TILE + 1, -1);
      pen.stroke();
    }
    this.ctx = ctx;
    this.colour = colour;
    this.pattern = ctx.createPattern(tile, "repeat");
    return this.pattern ?? colour;
  }
}
