#!/usr/bin/env bash
# Made one-shot.json: 30 labels, one draw, one training seed. Run in an empty folder.
set -euo pipefail
export OMP_NUM_THREADS=1
GS="grasping-student"
$GS collect --kind attempts --count 30 --policy scripted --per-episode 5 --seed 0 --workers 2 --out labels
$GS collect --kind scenes --count 1200 --seed 1 --workers 2 --out scenes
$GS train teacher --dataset labels --loop.steps 400 --loop.threads 1 --out teacher
$GS train teacher --preset light-augmented --dataset labels --loop.steps 400 --loop.threads 1 --out teacher_augmented
$GS pseudo-label --preset light-plain --teacher teacher --dataset scenes --workers 2 --out pl
$GS pseudo-label --preset light --teacher teacher --dataset scenes --workers 2 --out pl_room
$GS train student --dataset scenes --pseudo-labels pl --loop.steps 1000 --loop.threads 1 --out s_plain
$GS train student --dataset scenes --pseudo-labels pl_room --loop.steps 1000 --loop.threads 1 --out s_room
$GS evaluate one-shot --scenes 300 --seed 77 --workers 2 --out os --models random scripted teacher=teacher \
  teacher_augmented=teacher_augmented s_plain=s_plain s_room=s_room troom=room:teacher taroom=room:teacher_augmented \
  sroomroom=room:s_room
