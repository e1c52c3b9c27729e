return {"red", "green"}
