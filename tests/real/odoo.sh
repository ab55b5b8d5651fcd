#!/usr/bin/env bash
# A real Odoo 19 Community for the tests, on loopback, from Debian's own package and PyPI.
#
#   odoo.sh up            get what is missing, create the template database, start
#   odoo.sh clone NAME    a fresh database from the template; prints its name
#   odoo.sh key NAME      a new API key of the administrator in that database
#   odoo.sh sql NAME SQL  run SQL in that database
#   odoo.sh stop          stop both servers
#
# Everything lives in a cache outside the clone (LEADLOOP_ODOO_CACHE). Exit 77 means that what is
# needed cannot be had here, with the reason on stderr. Each step has a time limit.
set -euo pipefail

cache=${LEADLOOP_ODOO_CACHE:-/var/cache/leadloop-odoo}
source_dir=$cache/odoo19
venv=$cache/venv
run=${LEADLOOP_ODOO_RUN:-/tmp/leadloop-odoo-run}
port=${LEADLOOP_ODOO_PORT:-18069}
pg_port=${LEADLOOP_ODOO_PG_PORT:-15439}
template=leadloop_template
account=leadloop-odoo
modules=crm,rpc,mass_mailing_crm
python=/usr/bin/python3
packages=$source_dir/usr/lib/python3/dist-packages

give_up() { echo "$1" >&2; exit 77; }
as() { runuser -u "$account" -- env HOME="$run" "$@"; }

postgres_bin() {
  local found
  found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
  [ -n "$found" ] || give_up "no PostgreSQL server programs on this machine"
  echo "$found"
}

get_source() {
  [ -d "$packages/odoo" ] && return
  command -v apt-get >/dev/null || give_up "apt is not here, so Debian's odoo-19 cannot be had"
  [ -f /etc/apt/sources.list.d/debian.sources ] || give_up "no Debian package source on this machine"
  local work options
  work=$(mktemp -d)
  mkdir -p "$work"/{lists/partial,cache/archives/partial,parts} "$source_dir"
  # The machine's own package source, asked for sid; for this download only.
  awk 'NR > 1 && /^$/ { exit } { print }' /etc/apt/sources.list.d/debian.sources |
    sed 's/^Suites:.*/Suites: sid/; /^#/d' >"$work/parts/sid.sources"
  options="-o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$work/parts
    -o Dir::State::lists=$work/lists -o Dir::Cache=$work/cache -o APT::Sandbox::User=root"
  # shellcheck disable=SC2086
  timeout 180 apt-get $options update -qq >&2 || give_up "Debian's package list cannot be read"
  # shellcheck disable=SC2086
  (cd "$work" && timeout 300 apt-get $options download -qq odoo-19 >&2) ||
    give_up "Debian sid has no odoo-19 today"
  dpkg-deb -x "$work"/odoo-19_*.deb "$source_dir"
  rm -rf "$work"
}

get_venv() {
  [ -e "$venv/complete" ] && return
  [ -x "$python" ] || give_up "no $python for the server"
  "$python" -m venv "$venv" || give_up "$python has no venv module"
  timeout 600 "$venv/bin/pip" install -q \
    asn1crypto babel cbor2 chardet 'cryptography<43' python-dateutil docutils geoip2 gevent \
    greenlet idna jinja2 libsass lxml lxml-html-clean MarkupSafe num2words ofxparse openpyxl \
    'pyopenssl<25' pillow polib psutil psycopg2-binary pypdf pytz qrcode reportlab requests \
    rjsmin pyserial python-stdnum urllib3 pyusb vobject 'werkzeug<3.1' xlrd xlsxwriter xlwt zeep \
    freezegun python-magic passlib 'setuptools<80' >"$cache/pip.log" 2>&1 || give_up "Odoo's Python packages cannot be had"
  touch "$venv/complete"
}

start_postgres() {
  id "$account" >/dev/null 2>&1 || useradd --system --no-create-home "$account"
  mkdir -p "$run" && chown "$account" "$run"
  [ -f "$run/pg/PG_VERSION" ] ||
    as "$bin/initdb" -D "$run/pg" -U odoo -A trust -E UTF8 --locale=C >"$run/initdb.log"
  as "$bin/pg_ctl" -D "$run/pg" status >/dev/null 2>&1 ||
    as "$bin/pg_ctl" -D "$run/pg" -w -t 60 -l "$run/pg.log" start >/dev/null \
      -o "-c listen_addresses=127.0.0.1 -p $pg_port -k $run -c fsync=off -c synchronous_commit=off"
}

psql() { as "$bin/psql" -X -q -h 127.0.0.1 -p "$pg_port" -U odoo "$@"; }

odoo() {
  as env PYTHONPATH="$packages" "$venv/bin/python" -m odoo "$@" \
    --db_host=127.0.0.1 --db_port="$pg_port" --db_user=odoo --data-dir="$run/data" \
    --addons-path="$packages/odoo/addons" --http-interface=127.0.0.1 --http-port="$port" \
    --gevent-port=$((port + 3)) --max-cron-threads=0
}

make_template() {
  psql -Atc "SELECT 1 FROM pg_database WHERE datname = '$template'" postgres | grep -q 1 && return
  timeout 600 bash -c "$(declare -f as odoo); account=$account run=$run packages=$packages \
    venv=$venv pg_port=$pg_port port=$port; odoo -d ${template}_new -i $modules \
    --stop-after-init --log-level=warn" >"$run/init.log" 2>&1 || give_up "Odoo could not set up its database"
  psql -c "ALTER DATABASE ${template}_new RENAME TO $template" postgres
  # Nobody may be connected to a template while it is copied.
  psql -c "ALTER DATABASE $template ALLOW_CONNECTIONS false" postgres
}

answers() { curl -fs -o /dev/null --max-time 2 "http://127.0.0.1:$port/web/health"; }

start_odoo() {
  answers && return
  setsid bash -c "$(declare -f as odoo); account=$account run=$run packages=$packages venv=$venv \
    pg_port=$pg_port port=$port; odoo --workers=0 --log-level=warn --db-filter='^t[0-9a-f]+$'" \
    >"$run/odoo.log" 2>&1 </dev/null &
  echo $! >"$run/odoo.pid"
  for _ in $(seq 90); do
    answers && return
    sleep 1
  done
  tail -n 5 "$run/odoo.log" >&2
  give_up "Odoo did not start within 90 s"
}

[ "$(id -u)" = 0 ] || give_up "root is needed to run the servers as a user of their own"
command -v curl >/dev/null || give_up "curl is not here"
bin=$(postgres_bin)
mkdir -p "$cache"

case "${1:-up}" in
  up)
    get_source && get_venv && start_postgres && make_template && start_odoo
    echo "odoo $(dpkg-deb --version >/dev/null; grep -oE "version_info = \([0-9]+, [0-9]+" \
      "$packages/odoo/release.py" | grep -oE '[0-9]+, [0-9]+' | tr -d ' ' | tr , .) on port $port"
    ;;
  clone)
    psql -c "CREATE DATABASE $2 TEMPLATE $template" postgres
    mkdir -p "$run/data/filestore"
    [ -d "$run/data/filestore/${template}_new" ] &&
      cp -r "$run/data/filestore/${template}_new" "$run/data/filestore/$2"
    chown -R "$account" "$run/data"
    echo "$2"
    ;;
  key)
    as env PYTHONPATH="$packages" "$venv/bin/python" -m odoo shell -d "$2" --no-http \
      --db_host=127.0.0.1 --db_port="$pg_port" --db_user=odoo --data-dir="$run/data" \
      --addons-path="$packages/odoo/addons" --log-level=critical 2>>"$run/key.log" <<'PYTHON' |
from datetime import datetime, timedelta
admin = env.ref("base.user_admin")
key = env["res.users.apikeys"].with_user(admin).sudo()._generate("rpc", "leadloop", datetime.now() + timedelta(days=1))
env.cr.commit()
print("KEY=" + key)
PYTHON
      grep -oE 'KEY=[0-9a-f]+' | cut -d= -f2
    ;;
  sql) psql -At -d "$2" -c "$3" ;;
  stop)
    [ -f "$run/odoo.pid" ] && pkill -u "$account" -f 'python -m odoo' || true
    sleep 1
    as "$bin/pg_ctl" -D "$run/pg" -m fast stop >/dev/null 2>&1 || true
    rm -f "$run/odoo.pid"
    ;;
  *) echo "odoo.sh up | clone NAME | key NAME | sql NAME SQL | stop" >&2; exit 2 ;;
esac
