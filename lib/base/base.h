/* SPDX-License-Identifier: MIT */
/* Everything in lib/base, which depends on nothing but libc. */
#ifndef RP_BASE_H
#define RP_BASE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/copy.h"
#include "base/error.h"
#include "base/event.h"
#include "base/file.h"
#include "base/ini.h"
#include "base/json.h"
#include "base/lock.h"
#include "base/macro.h"
#include "base/parallel.h"
#include "base/publish.h"
#include "base/root.h"
#include "base/sha256.h"
#include "base/span.h"
#include "base/strv.h"
#include "base/subprocess.h"

#endif
