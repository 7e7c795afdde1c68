/* SPDX-License-Identifier: MIT */
/* Between the files of the source domain. */
#ifndef RP_SOURCE_INTERNAL_H
#define RP_SOURCE_INTERNAL_H

#include "source/source.h"

/*
 * cache.c. Layout below the cache directory:
 *   objects/<sha256>   whole, verified files
 *   partial/<sha256>   downloads that are not whole; resumed or removed
 *   git/<sha256>.git   bare repositories, by the URL's checksum
 *   apt/<suite>-<type> private apt state
 */
RP_MUST_CHECK int rp_cache_open(
	const struct rp_source_env *env, const char *sub, int *ret_fd, struct rp_error *err);
/* Path of an object, owned; *ret_there says whether it is in the cache (its name, not its bytes). */
RP_MUST_CHECK int rp_cache_object(const struct rp_source_env *env, const char *sha256, char **ret,
	bool *ret_there, struct rp_error *err);
/* Path of the partial file of an object; the folders exist afterwards. */
RP_MUST_CHECK int rp_cache_partial(
	const struct rp_source_env *env, const char *sha256, char **ret, struct rp_error *err);
/*
 * Checks partial/<sha256> and renames it to objects/. -EBADMSG: other bytes than
 * wanted; the partial file is then removed.
 */
RP_MUST_CHECK int rp_cache_commit(
	const struct rp_source_env *env, const char *sha256, struct rp_error *err);
/* -EBADMSG: the object's bytes are not what its name says; it is then removed. */
RP_MUST_CHECK int rp_cache_verify(
	const struct rp_source_env *env, const char *sha256, struct rp_error *err);
/* One fetch of an object at a time. */
RP_MUST_CHECK int rp_cache_lock(const struct rp_ctx *ctx, const struct rp_source_env *env,
	struct rp_lock *ret, struct rp_error *err);

/* apt.c: private apt state of one suite. */
struct rp_apt {
	char *dir; /* absolute */
	char *uri; /* of the archive, from the machine's configuration */
	const char *suite;
	bool binary;
};

void rp_apt_free(struct rp_apt *apt);
RP_MUST_CHECK int rp_apt_open(const struct rp_source_env *env, const char *suite, bool binary,
	struct rp_apt *ret, struct rp_error *err);
/* apt-get update, if the index is older than a day or force is set. */
RP_MUST_CHECK int rp_apt_update(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_apt *apt, bool force, struct rp_error *err);
/* One file of a package in the index. All strings owned. */
struct rp_apt_file {
	char *version;
	char *path; /* below the archive's URI */
	char *sha256;
	uint64_t size_bytes;
};
void rp_apt_file_free(struct rp_apt_file *f);
/*
 * The orig tarball of a source package, or the .deb of a binary one: of the
 * wanted version, else of the newest. -ENOENT: not in the index.
 */
RP_MUST_CHECK int rp_apt_find(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_apt *apt, const char *package, const char *version_or_null,
	struct rp_apt_file *ret, struct rp_error *err);
/* Downloads into the cache with apt's own methods (proxies, transports, resume). */
RP_MUST_CHECK int rp_apt_download(const struct rp_ctx *ctx, const struct rp_source_env *env,
	const struct rp_apt *apt, const struct rp_apt_file *f, struct rp_error *err);

/* Parsers of untrusted or hand-edited text, separate for tests and fuzzing. */

/* stanza.c. True if s can stand in a sources.list that we write: no blanks, quotes, brackets. */
bool rp_apt_plain(const char *s);
/* A field with its continuation lines; false: absent. */
bool rp_stanza_field(struct rp_span stanza, const char *name, struct rp_span *ret);
/* Cuts the next stanza (up to an empty line) off *s. */
bool rp_stanza_next(struct rp_span *s, struct rp_span *ret);

/* mirror.c */
struct rp_distro { /* os-release(5) */
	char id[64];
	char codename[64];
	bool is_debian;
};
struct rp_mirror {
	char *uri;
	char *options; /* "[ signed-by=... trusted=yes ] " or "" */
	int score; /* how sure it is that this is Debian's own archive; 0: none found */
};

#define RP_MIRROR_INIT        \
	{                     \
		NULL, NULL, 0 \
	}

void rp_mirror_free(struct rp_mirror *m);
/*
 * Replaces ret, which the caller has initialised, by the best entry for Debian's own
 * archive in a one-line-style list or a deb822 file, if that is better than ret. 1: replaced, 0: not.
 */
RP_MUST_CHECK int rp_mirror_parse(struct rp_span text, bool deb822, const struct rp_distro *d,
	struct rp_mirror *ret, struct rp_error *err);
/* The best of all of /etc/apt below the root. -ENODEV: none; says what is needed. */
RP_MUST_CHECK int rp_mirror_find(
	const struct rp_source_env *env, struct rp_mirror *ret, struct rp_error *err);
/* From "apt-cache showsrc" or "show" output; see rp_apt_find. */
RP_MUST_CHECK int rp_apt_parse(struct rp_span text, bool binary, const char *package,
	const char *version_or_null, struct rp_apt_file *ret, struct rp_error *err);
/* Debian version order (Policy 5.6.12): <0, 0, >0. */
int rp_debian_version_compare(const char *a, const char *b);

/* archive.c. True if a link with this text, at path below the top of a tree, cannot lead out of it. */
bool rp_link_stays(const char *path, const char *target);
/* As rp_archive_unpack, from memory; an archive in an ar archive for .deb files. */
RP_MUST_CHECK int rp_deb_unpack(const struct rp_ctx *ctx, const char *deb_path, int dirfd,
	const char *name, struct rp_error *err);

extern const struct rp_source_kind rp_source_kind_deb;
extern const struct rp_source_kind rp_source_kind_deb_binary;
extern const struct rp_source_kind rp_source_kind_git;
extern const struct rp_source_kind rp_source_kind_dir;
extern const struct rp_source_kind rp_source_kind_tarball;

#endif
