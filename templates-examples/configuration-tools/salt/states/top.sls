base:
  "*": [web]
