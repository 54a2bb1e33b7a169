#!/bin/sh
# scp docker-compose.yml used to be here
scp ../tools/mail/docker-compose.yml deploy@mail.example:/srv/
rsync -a . deploy@shop.example:/srv/shop/
tar xzf docker-compose.yml
cp docker-compose.yml docker-compose.yml.bak
scp deploy@shop.example:/srv/shop/docker-compose.yml /tmp/
curl -LO https://example.org/docker-compose.yml
