"""Images of charts, drawn by the server as the page draws them. Pure: from points to SVG, and to an account of it."""

from dashboard.drawing.image import DRAWN, draw, print_out
from dashboard.drawing.line import Line
from dashboard.drawing.printed import Printed
from dashboard.drawing.scene import Scene

__all__ = ["DRAWN", "Line", "Printed", "Scene", "draw", "print_out"]
