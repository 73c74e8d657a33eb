//! The few requests to the kernel that have no safe form: the state of a switch, and the buffers of a camera.
//!
//! All `unsafe` of this crate stands here. Layouts are those of 64-bit Linux, linux/videodev2.h and linux/input.h.

#![expect(unsafe_code, reason = "ioctl and mmap have no safe form")]

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::AsRawFd as _;
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

#[cfg(not(target_pointer_width = "64"))]
compile_error!("the layouts below are those of 64-bit Linux");

/// Bytes that hold all switches of an input device.
const SWITCHES_LEN: usize = 8;

/// `V4L2_BUF_TYPE_VIDEO_CAPTURE` and `V4L2_MEMORY_MMAP`.
const CAPTURE: u32 = 1;
const MMAP: u32 = 1;
/// Motion JPEG.
pub(crate) const MJPG: u32 = u32::from_le_bytes(*b"MJPG");

/// `struct v4l2_format` with a `v4l2_pix_format` in it.
#[repr(C)]
struct Format {
    kind: u32,
    gap: u32,
    width: u32,
    height: u32,
    pixels: u32,
    field: u32,
    rest: [u8; 184],
}

/// `struct v4l2_requestbuffers`.
#[repr(C)]
struct Request {
    count: u32,
    kind: u32,
    memory: u32,
    capabilities: u32,
    flags: u32,
}

/// `struct v4l2_buffer`.
#[repr(C)]
#[derive(Default)]
struct Buffer {
    index: u32,
    kind: u32,
    used: u32,
    flags: u32,
    field: u32,
    gap: u32,
    time: [u64; 2],
    timecode: [u32; 4],
    sequence: u32,
    memory: u32,
    offset: u32,
    offset_high: u32,
    length: u32,
    reserved: [u32; 3],
}

const _: () = assert!(size_of::<Format>() == 208);
const _: () = assert!(size_of::<Request>() == 20);
const _: () = assert!(size_of::<Buffer>() == 88);

nix::ioctl_read_buf!(eviocgsw, b'E', 0x1B, u8);
nix::ioctl_readwrite!(vidioc_s_fmt, b'V', 5, Format);
nix::ioctl_readwrite!(vidioc_reqbufs, b'V', 8, Request);
nix::ioctl_readwrite!(vidioc_querybuf, b'V', 9, Buffer);
nix::ioctl_readwrite!(vidioc_qbuf, b'V', 15, Buffer);
nix::ioctl_readwrite!(vidioc_dqbuf, b'V', 17, Buffer);
nix::ioctl_write_ptr!(vidioc_streamon, b'V', 18, u32);

/// Whether a switch of an input device is on; none where `device` is no input device.
pub(crate) fn is_switched(device: &File, switch: u16) -> Option<bool> {
    let mut switches = [0; SWITCHES_LEN];
    // SAFETY: the kernel writes at most the length of the slice, which is part of the request.
    unsafe { eviocgsw(device.as_raw_fd(), &mut switches) }.ok()?;
    let byte = switches.get(usize::from(switch / 8))?;
    Some(byte & (1 << (switch % 8)) != 0)
}

/// A camera's buffer in our memory.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<std::ffi::c_void>,
    length: NonZeroUsize,
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: start and length are what mmap gave, and no slice of it outlives self.
        let _ = unsafe { munmap(self.start, self.length.get()) };
    }
}

/// Asks for pictures of about this size, and says which pixels the camera will send.
pub(crate) fn set_format(camera: &File, width: u32, height: u32) -> io::Result<u32> {
    let mut format =
        Format { kind: CAPTURE, gap: 0, width, height, pixels: MJPG, field: 0, rest: [0; 184] };
    // SAFETY: the layout is that of v4l2_format, and the kernel keeps no pointer.
    unsafe { vidioc_s_fmt(camera.as_raw_fd(), &raw mut format) }?;
    Ok(format.pixels)
}

/// Maps `count` buffers, and hands them to the camera to be filled.
pub(crate) fn map(camera: &File, count: u32) -> io::Result<Vec<Mapping>> {
    let mut request = Request { count, kind: CAPTURE, memory: MMAP, capabilities: 0, flags: 0 };
    // SAFETY: the layout is that of v4l2_requestbuffers, and the kernel keeps no pointer.
    unsafe { vidioc_reqbufs(camera.as_raw_fd(), &raw mut request) }?;
    let mut mappings = Vec::new();
    for index in 0..request.count {
        let mut buffer = Buffer { index, kind: CAPTURE, memory: MMAP, ..Buffer::default() };
        // SAFETY: the layout is that of v4l2_buffer, and the kernel keeps no pointer.
        unsafe { vidioc_querybuf(camera.as_raw_fd(), &raw mut buffer) }?;
        let length = NonZeroUsize::new(buffer.length as usize)
            .ok_or_else(|| io::Error::other("the camera has empty buffers"))?;
        let (protection, flags) = (ProtFlags::PROT_READ, MapFlags::MAP_SHARED);
        // SAFETY: a new mapping at an address of the kernel's choice overlaps nothing of ours.
        let start =
            unsafe { mmap(None, length, protection, flags, camera, i64::from(buffer.offset)) }?;
        mappings.push(Mapping { start, length });
        queue(camera, index)?;
    }
    Ok(mappings)
}

/// Starts filling. It ends when the camera is closed.
pub(crate) fn start(camera: &File) -> io::Result<()> {
    let kind = CAPTURE;
    // SAFETY: the kernel reads one number.
    unsafe { vidioc_streamon(camera.as_raw_fd(), &raw const kind) }?;
    Ok(())
}

/// Hands a buffer back to the camera.
pub(crate) fn queue(camera: &File, index: u32) -> io::Result<()> {
    let mut buffer = Buffer { index, kind: CAPTURE, memory: MMAP, ..Buffer::default() };
    // SAFETY: the layout is that of v4l2_buffer, and the kernel keeps no pointer.
    unsafe { vidioc_qbuf(camera.as_raw_fd(), &raw mut buffer) }?;
    Ok(())
}

/// Takes a filled buffer from the camera: which, and a copy of what is in it.
pub(crate) fn dequeue(camera: &File, mappings: &[Mapping]) -> io::Result<(u32, Vec<u8>)> {
    let mut buffer = Buffer { kind: CAPTURE, memory: MMAP, ..Buffer::default() };
    // SAFETY: the layout is that of v4l2_buffer, and the kernel keeps no pointer.
    unsafe { vidioc_dqbuf(camera.as_raw_fd(), &raw mut buffer) }?;
    let mapping = mappings
        .get(buffer.index as usize)
        .ok_or_else(|| io::Error::other("the camera gave a buffer that it doesn't have"))?;
    let used = mapping.length.get().min(buffer.used as usize);
    // SAFETY: the mapping is that long, and the camera leaves a dequeued buffer alone.
    let bytes = unsafe { std::slice::from_raw_parts(mapping.start.as_ptr().cast::<u8>(), used) };
    Ok((buffer.index, bytes.to_vec()))
}
