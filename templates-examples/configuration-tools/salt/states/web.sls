/srv/www/index.html:
  file.managed:
    - makedirs: True
    - contents: "<p>{{ pillar['greeting'] }}, by Salt"
