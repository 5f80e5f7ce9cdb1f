"""Where is it? One sentence about one message, with what it rests on."""
