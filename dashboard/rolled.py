"""Points that stand for many: roll-ups with sum, minimum, maximum and count."""
