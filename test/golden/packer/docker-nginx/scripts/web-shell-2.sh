#!/bin/sh -e
nginx -V
echo 'Packer would read {{ this }} as a template of its own' > /etc/note
