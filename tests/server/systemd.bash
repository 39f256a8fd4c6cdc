# A systemd of the tests' own, with nothing but our units, in namespaces of its
# own: it is their PID 1, sees the machine but for /dev, /run, /srv, the users
# and the cgroups, and can change nothing of it.  For who is root and may make
# all that.

# start_systemd FOLDER: with FOLDER/installation as the prefix, which it sees as
# /srv/installation, FOLDER/state as /srv/state for what changes, and FOLDER/run
# as /run.  Skips the test where that can't be had.
start_systemd()
{
	local path

	systemd=$1
	[[ $(id -u) == 0 ]] || skip 'only root can run a systemd'
	[[ -x /lib/systemd/systemd ]] || skip 'there is no systemd'
	path=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	cgroup=$path$(sed -n 's/^0:://p' /proc/self/cgroup)/${systemd##*/}
	mkdir "$cgroup" 2>/dev/null || skip 'no cgroup can be made here'
	if ! unshare --pid --fork --mount --cgroup true 2>/dev/null; then
		rmdir "$cgroup"
		skip 'no namespace can be made here'
	fi
	chmod 755 "$systemd"
	mkdir -p "$systemd"/{dev,run,state,stubs}
	make_ -f Makefile -f "$SB_SOURCE/tests/server/later.mk" \
	    "UNITS=$systemd/units" prefix=/srv/installation \
	    localstatedir=/srv/state units
	for path in sysinit basic sockets timers shutdown default multi-user; do
		printf '[Unit]\nDefaultDependencies=no\n' \
		    >"$systemd/stubs/$path.target"
	done
	boot
	# It comes up with none of our units, so this is for the machine to say.
	eventually 30 is_systemd_up || skip 'no systemd comes up here'
}

boot()
{
	local script='
		set -e
		mount --make-rprivate /
		mount -t tmpfs -o mode=755 none /srv
		mkdir /srv/installation /srv/state /srv/units /srv/stubs
		for name in installation state units stubs; do
			mount --bind "$1/$name" "/srv/$name"
		done
		mkdir "$1/etc"
		cp /etc/passwd /etc/group /etc/shadow "$1/etc"
		systemd-sysusers --root="$1" /srv/units/sysusers.conf
		mount --bind "$1/etc/passwd" /etc/passwd
		mount --bind "$1/etc/group" /etc/group
		systemd-tmpfiles --create /srv/units/tmpfiles.conf
		install -d -m 700 -o switchboard -g switchboard \
		    /srv/state/lib/switchboard
		mount --bind "$1/run" /run
		mount -t tmpfs -o mode=755 none "$1/dev"
		cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom \
		    /dev/tty /dev/fd /dev/stdin /dev/stdout /dev/stderr "$1/dev"
		mkdir -m 1777 "$1"/dev/shm "$1"/dev/mqueue
		mkdir "$1"/dev/pts "$1"/dev/hugepages
		mount -t devpts -o newinstance none "$1"/dev/pts
		ln -s pts/ptmx "$1"/dev/ptmx
		mount --move "$1/dev" /dev
		umount -l /sys/fs/cgroup
		mount -t cgroup2 none /sys/fs/cgroup
		# Whatever it is told to do, nothing else is in its reach.
		mount -t tmpfs -o mode=1777 none /tmp
		mount -t tmpfs -o mode=1777 none /var/tmp
		findmnt -rno TARGET | while read -r target; do
			case $target in
			/dev* | /proc* | /run* | /srv* | /sys/fs/cgroup*) ;;
			/tmp* | /var/tmp*) ;;
			*) mount -o remount,bind,ro "$target" || : ;;
			esac
		done
		export container=test SYSTEMD_UNIT_PATH=/srv/units:/srv/stubs
		exec /lib/systemd/systemd --system --show-status=no \
		    --log-target=console --unit=default.target'

	# It is in the cgroup before it makes a namespace of that.
	sh -c 'echo 0 >"$1/cgroup.procs" && exec setpriv \
	    --pdeathsig KILL setsid unshare --pid --fork --kill-child \
	    --mount --mount-proc --cgroup --uts --ipc --net \
	    sh -c "$2" sh "$3"' sh "$cgroup" "$script" "$systemd" \
	    >"$systemd/log" 2>&1 </dev/null 3>&- &
	systemd_outside=$!
}

in_systemd()
{
	env -u SWITCHBOARD_DATA timeout 30 nsenter -a \
	    -t "$(children "$systemd_outside")" "$@" 3>&-
}

stop_systemd()
{
	[[ -n ${systemd_outside-} ]] || return 0
	kill -KILL "$systemd_outside"
	wait "$systemd_outside" 2>/dev/null || true
	eventually 30 is_cgroup_gone
	systemd_outside=
}

# A cgroup goes only when the last process of it has gone.
is_cgroup_gone()
{
	find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
	[[ ! -e $cgroup ]]
}

is_systemd_up()
{
	in_systemd systemctl is-active default.target
} >/dev/null 2>&1
