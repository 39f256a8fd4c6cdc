/*
 * The data directory: where the database, the keys and the slots are.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "internal.h"

bool
sb_data_directory(void)
{
	struct stat st;

	if (stat(sb_settings.data, &st) == 0 ||
	    (errno == ENOENT && mkdir(sb_settings.data, 0700) == 0) ||
	    errno == EEXIST)
		return true;
	sb_log(SB_ERROR, "SWITCHBOARD_DATA: %s: %s: make the directory, for "
	    "the user that the programs run as", sb_settings.data,
	    strerror(errno));
	return false;
}

bool
sb_is_empty(const char *path)
{
	struct stat st;

	return stat(path, &st) != 0 ? errno == ENOENT : st.st_size == 0;
}

bool
sb_on_network(const char *directory)
{
	static const unsigned long types[] = {
		0x6969,		/* NFS */
		0x517b,		/* SMB */
		0xff534d42,	/* CIFS */
		0xfe534d42,	/* SMB2 */
		0x01021997,	/* 9P */
		0x5346414f,	/* AFS */
		0x00c36400,	/* Ceph */
		0x0bd00bd0,	/* Lustre */
		0x01161970,	/* GFS2 */
		0x7461636f,	/* OCFS2 */
		0x47504653,	/* GPFS */
		0x786f4256,	/* VirtualBox's shared folders */
		0x65735546,	/* FUSE: sshfs and the like, one cannot tell */
	};
	struct statfs fs;

	if (statfs(directory, &fs) != 0)
		return false;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (((unsigned long)fs.f_type & 0xffffffff) == types[i])
			return true;
	return false;
}
