"""What the house needs from the world, as Protocols. Adapters fulfil them; ``testing`` ships a fake of each."""
