"""What the system's speed is, measured at four depths: services, websocket, browser and import."""
