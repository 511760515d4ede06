"""Pages that people look at: plain HTML made here, one stylesheet, a little script, and nothing from any other host."""
