// SPDX-License-Identifier: GPL-2.0-only
/*
 * A USB camera for the driver uvcvideo, on the emulated bus of dummy_hcd
 *
 * usage: uvc-camera [--count] [--rate FRAMES_PER_SECOND]
 *
 * The device is the Raw Gadget's: this program answers every control request and
 * sends the payload, as the firmware of a camera does. It has uncompressed YUYV in
 * several sizes and uses a bulk endpoint, as dummy_hcd has no isochronous
 * transfers, which the kernel's own UVC gadget is limited to.
 *
 * All frames are alike, so that captures can be compared byte by byte. With --count
 * they begin with a 32-bit little-endian frame number, and the picture moves.
 *
 * Runs until it is killed; "ready" on stdout says that the device is plugged in.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/usb/ch9.h>
#include <linux/usb/raw_gadget.h>
#include <linux/usb/video.h>

#define ARRAY_LEN(a)	(sizeof(a) / sizeof((a)[0]))

#define EP0_SIZE	64
#define BULK_ENDPOINT	(USB_DIR_IN | 1)
#define BULK_PACKET	512
#define CLOCK_HZ	48000000U

/* What uvcvideo puts in one URB; each has a header of its own. */
#define PAYLOAD_SIZE	(32 * BULK_PACKET)

enum { STRING_LANGUAGES, STRING_PRODUCT };
enum { INTERFACE_CONTROL, INTERFACE_STREAMING };
enum { TERMINAL_CAMERA = 1, TERMINAL_OUTPUT };

static const struct size {
	uint16_t width;
	uint16_t height;
} sizes[] = {
	{ 320, 180 },
	{ 640, 480 },
	{ 1280, 720 },
	{ 1920, 1080 },
};

/*
 * Descriptors
 */

DECLARE_UVC_HEADER_DESCRIPTOR(1);
DECLARE_UVC_INPUT_HEADER_DESCRIPTOR(1, 1);
DECLARE_UVC_FRAME_UNCOMPRESSED(1);

/* the camera terminal of video.h has room for 4 bytes of controls, this one 3 */
struct camera_terminal {
	uint8_t bLength;
	uint8_t bDescriptorType;
	uint8_t bDescriptorSubType;
	uint8_t bTerminalID;
	uint16_t wTerminalType;
	uint8_t bAssocTerminal;
	uint8_t iTerminal;
	uint16_t wObjectiveFocalLengthMin;
	uint16_t wObjectiveFocalLengthMax;
	uint16_t wOcularFocalLength;
	uint8_t bControlSize;
	uint8_t bmControls[3];
} __attribute__((packed));

struct endpoint {
	uint8_t bLength;
	uint8_t bDescriptorType;
	uint8_t bEndpointAddress;
	uint8_t bmAttributes;
	uint16_t wMaxPacketSize;
	uint8_t bInterval;
} __attribute__((packed));

static struct {
	struct usb_config_descriptor config;
	struct usb_interface_assoc_descriptor function;
	struct usb_interface_descriptor control;
	struct UVC_HEADER_DESCRIPTOR(1) header;
	struct camera_terminal camera;
	struct uvc_output_terminal_descriptor output;
	struct usb_interface_descriptor streaming;
	struct UVC_INPUT_HEADER_DESCRIPTOR(1, 1) input;
	struct uvc_format_uncompressed format;
	struct UVC_FRAME_UNCOMPRESSED(1) frame[ARRAY_LEN(sizes)];
	struct uvc_color_matching_descriptor colour;
	struct endpoint endpoint;
} __attribute__((packed)) configuration = {
	.config = {
		.bLength = USB_DT_CONFIG_SIZE,
		.bDescriptorType = USB_DT_CONFIG,
		.wTotalLength = sizeof(configuration),
		.bNumInterfaces = 2,
		.bConfigurationValue = 1,
		.bmAttributes = USB_CONFIG_ATT_ONE | USB_CONFIG_ATT_SELFPOWER,
	},
	.function = {
		.bLength = USB_DT_INTERFACE_ASSOCIATION_SIZE,
		.bDescriptorType = USB_DT_INTERFACE_ASSOCIATION,
		.bFirstInterface = INTERFACE_CONTROL,
		.bInterfaceCount = 2,
		.bFunctionClass = USB_CLASS_VIDEO,
		.bFunctionSubClass = 3,	/* video interface collection */
		.iFunction = STRING_PRODUCT,
	},
	.control = {
		.bLength = USB_DT_INTERFACE_SIZE,
		.bDescriptorType = USB_DT_INTERFACE,
		.bInterfaceNumber = INTERFACE_CONTROL,
		.bInterfaceClass = USB_CLASS_VIDEO,
		.bInterfaceSubClass = UVC_SC_VIDEOCONTROL,
		.iInterface = STRING_PRODUCT,
	},
	.header = {
		.bLength = UVC_DT_HEADER_SIZE(1),
		.bDescriptorType = USB_DT_CS_INTERFACE,
		.bDescriptorSubType = UVC_VC_HEADER,
		.bcdUVC = 0x0110,
		.wTotalLength = sizeof(configuration.header) +
				sizeof(configuration.camera) +
				sizeof(configuration.output),
		.dwClockFrequency = CLOCK_HZ,
		.bInCollection = 1,
		.baInterfaceNr = { INTERFACE_STREAMING },
	},
	.camera = {
		.bLength = sizeof(configuration.camera),
		.bDescriptorType = USB_DT_CS_INTERFACE,
		.bDescriptorSubType = UVC_VC_INPUT_TERMINAL,
		.bTerminalID = TERMINAL_CAMERA,
		.wTerminalType = UVC_ITT_CAMERA,
		.bControlSize = sizeof(configuration.camera.bmControls),
	},
	.output = {
		.bLength = UVC_DT_OUTPUT_TERMINAL_SIZE,
		.bDescriptorType = USB_DT_CS_INTERFACE,
		.bDescriptorSubType = UVC_VC_OUTPUT_TERMINAL,
		.bTerminalID = TERMINAL_OUTPUT,
		.wTerminalType = UVC_TT_STREAMING,
		.bSourceID = TERMINAL_CAMERA,
	},
	.streaming = {
		.bLength = USB_DT_INTERFACE_SIZE,
		.bDescriptorType = USB_DT_INTERFACE,
		.bInterfaceNumber = INTERFACE_STREAMING,
		.bNumEndpoints = 1,
		.bInterfaceClass = USB_CLASS_VIDEO,
		.bInterfaceSubClass = UVC_SC_VIDEOSTREAMING,
	},
	.input = {
		.bLength = UVC_DT_INPUT_HEADER_SIZE(1, 1),
		.bDescriptorType = USB_DT_CS_INTERFACE,
		.bDescriptorSubType = UVC_VS_INPUT_HEADER,
		.bNumFormats = 1,
		.wTotalLength = offsetof(typeof(configuration), endpoint) -
				offsetof(typeof(configuration), input),
		.bEndpointAddress = BULK_ENDPOINT,
		.bTerminalLink = TERMINAL_OUTPUT,
		.bControlSize = 1,
	},
	.format = {
		.bLength = UVC_DT_FORMAT_UNCOMPRESSED_SIZE,
		.bDescriptorType = USB_DT_CS_INTERFACE,
		.bDescriptorSubType = UVC_VS_FORMAT_UNCOMPRESSED,
		.bFormatIndex = 1,
		.bNumFrameDescriptors = ARRAY_LEN(sizes),
		.guidFormat = {
			'Y', 'U', 'Y', '2', 0x00, 0x00, 0x10, 0x00,
			0x80, 0x00, 0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71,
		},
		.bBitsPerPixel = 16,
		.bDefaultFrameIndex = 1,
	},
	.colour = {
		.bLength = UVC_DT_COLOR_MATCHING_SIZE,
		.bDescriptorType = USB_DT_CS_INTERFACE,
		.bDescriptorSubType = UVC_VS_COLORFORMAT,
		.bColorPrimaries = 1,
		.bTransferCharacteristics = 1,
		.bMatrixCoefficients = 4,
	},
	.endpoint = {
		.bLength = sizeof(configuration.endpoint),
		.bDescriptorType = USB_DT_ENDPOINT,
		.bEndpointAddress = BULK_ENDPOINT,
		.bmAttributes = USB_ENDPOINT_XFER_BULK,
		.wMaxPacketSize = BULK_PACKET,
	},
};

static const struct usb_device_descriptor device = {
	.bLength = USB_DT_DEVICE_SIZE,
	.bDescriptorType = USB_DT_DEVICE,
	.bcdUSB = 0x0200,
	.bDeviceClass = USB_CLASS_MISC,
	.bDeviceSubClass = 2,	/* common class, with an */
	.bDeviceProtocol = 1,	/* interface association */
	.bMaxPacketSize0 = EP0_SIZE,
	.idVendor = 0x1d6b,	/* Linux Foundation */
	.idProduct = 0x0102,	/* webcam gadget */
	.bcdDevice = 0x0001,
	.iProduct = STRING_PRODUCT,
	.bNumConfigurations = 1,
};

static const struct {
	uint8_t bLength;
	uint8_t bDescriptorType;
	uint16_t wData[1];
} __attribute__((packed)) languages = {
	sizeof(languages), USB_DT_STRING, { 0x0409 }
};

static const struct {
	uint8_t bLength;
	uint8_t bDescriptorType;
	uint16_t wData[11];
} __attribute__((packed)) product = {
	sizeof(product), USB_DT_STRING,
	{ 'T', 'e', 's', 't', ' ', 'c', 'a', 'm', 'e', 'r', 'a' }
};

static uint32_t frame_size(unsigned int index)
{
	return 2 * sizes[index].width * sizes[index].height;
}

static void describe_frames(uint32_t interval)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(sizes); i++) {
		uint32_t size = frame_size(i);
		uint64_t rate = size * 8ULL * 10000000 / interval;

		configuration.frame[i] = (struct UVC_FRAME_UNCOMPRESSED(1)) {
			.bLength = UVC_DT_FRAME_UNCOMPRESSED_SIZE(1),
			.bDescriptorType = USB_DT_CS_INTERFACE,
			.bDescriptorSubType = UVC_VS_FRAME_UNCOMPRESSED,
			.bFrameIndex = i + 1,
			.wWidth = sizes[i].width,
			.wHeight = sizes[i].height,
			.dwMinBitRate = rate,
			.dwMaxBitRate = rate,
			.dwMaxVideoFrameBufferSize = size,
			.dwDefaultFrameInterval = interval,
			.bFrameIntervalType = 1,
			.dwFrameInterval = { interval },
		};
	}
}

/*
 * The gadget
 */

/**
 * struct camera - the device
 * @fd: the Raw Gadget
 * @endpoint: handle of the bulk endpoint, -1 if it is not enabled
 * @count: number the frames
 * @interval: between two frames, in units of 100 ns
 * @probe: what was negotiated
 * @thread: sends the payload
 * @lock: protects @streaming and @idle
 * @changed: @streaming or @idle has changed
 * @streaming: there is somebody to send to
 * @idle: @thread is not sending
 */
struct camera {
	int fd;
	int endpoint;
	bool count;
	uint32_t interval;
	struct uvc_streaming_control probe;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool streaming;
	bool idle;
};

struct request {
	struct usb_raw_event event;
	struct usb_ctrlrequest setup;
};

/* room for every answer on the control endpoint */
struct control_io {
	struct usb_raw_ep_io io;
	uint8_t data[sizeof(configuration) > 512 ? sizeof(configuration) : 512];
};

struct payload_io {
	struct usb_raw_ep_io io;
	uint8_t data[PAYLOAD_SIZE];
};

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("uvc-camera: ", stderr);
	vfprintf(stderr, format, args);
	fprintf(stderr, ": %s\n", strerror(errno));
	va_end(args);
	exit(1);
}

static int answer(struct camera *c, const struct usb_ctrlrequest *setup,
		  const void *data, size_t size)
{
	struct control_io io = {
		.io.length = size < setup->wLength ? size : setup->wLength,
	};

	memcpy(io.data, data, io.io.length);
	return ioctl(c->fd, USB_RAW_IOCTL_EP0_WRITE, &io);
}

/* Also acknowledges a request without data. */
static int receive(struct camera *c, const struct usb_ctrlrequest *setup,
		   void *data, size_t size)
{
	struct control_io io = { .io.length = setup->wLength };
	int ret;

	if (io.io.length > sizeof(io.data))
		return ioctl(c->fd, USB_RAW_IOCTL_EP0_STALL, 0);
	ret = ioctl(c->fd, USB_RAW_IOCTL_EP0_READ, &io);
	if (ret > 0)
		memcpy(data, io.data, (size_t)ret < size ? (size_t)ret : size);
	return ret;
}

static int stall(struct camera *c)
{
	return ioctl(c->fd, USB_RAW_IOCTL_EP0_STALL, 0);
}

/*
 * The payload
 */

/* Every page of it is different. */
static void draw(uint8_t *frame, const struct size *size, uint32_t n)
{
	unsigned int x, y;

	for (y = 0; y < size->height; y++) {
		for (x = 0; x < size->width; x++, frame += 2) {
			frame[0] = (x ^ y) + n;
			frame[1] = x & 1 ? y >> 2 : x >> 3;
		}
	}
}

static void number(uint8_t *frame, uint32_t n)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		frame[i] = n >> 8 * i;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
	struct timespec t = {
		.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

struct payload_header {
	uint8_t bHeaderLength;
	uint8_t bmHeaderInfo;
	uint32_t dwPresentationTime;
	uint32_t dwSourceTimeClock;
	uint16_t wSofCounter;
} __attribute__((packed));

static bool send_frame(struct camera *c, const uint8_t *frame, size_t size,
		       bool odd)
{
	static struct payload_io io;
	uint64_t start = now_ns();
	struct payload_header header = {
		.bHeaderLength = sizeof(header),
		.bmHeaderInfo = UVC_STREAM_EOH | UVC_STREAM_PTS |
				UVC_STREAM_SCR | (odd ? UVC_STREAM_FID : 0),
		.dwPresentationTime = start * (CLOCK_HZ / 1000000) / 1000,
	};
	size_t n;

	for (; size; frame += n, size -= n) {
		uint64_t now = now_ns();

		n = PAYLOAD_SIZE - sizeof(header);
		if (n >= size) {
			n = size;
			header.bmHeaderInfo |= UVC_STREAM_EOF;
		}
		header.dwSourceTimeClock = now * (CLOCK_HZ / 1000000) / 1000;
		header.wSofCounter = now / 1000000 & 0x7ff;

		io.io.ep = c->endpoint;
		/* a payload ends with a short packet, or is full */
		io.io.flags = n + sizeof(header) < PAYLOAD_SIZE ?
			      USB_RAW_IO_FLAGS_ZERO : 0;
		io.io.length = n + sizeof(header);
		memcpy(io.data, &header, sizeof(header));
		memcpy(io.data + sizeof(header), frame, n);
		if (ioctl(c->fd, USB_RAW_IOCTL_EP_WRITE, &io) < 0)
			return false;
	}
	return true;
}

static bool streaming(struct camera *c)
{
	bool on;

	pthread_mutex_lock(&c->lock);
	on = c->streaming;
	pthread_mutex_unlock(&c->lock);
	return on;
}

static void send_frames(struct camera *c)
{
	const struct size *size = &sizes[c->probe.bFrameIndex - 1];
	size_t bytes = frame_size(c->probe.bFrameIndex - 1);
	uint8_t *frame = malloc(bytes);
	uint64_t due = now_ns();
	uint32_t n;

	if (!frame)
		die("no memory for a frame");
	draw(frame, size, 0);
	for (n = 0; streaming(c); n++) {
		if (c->count) {
			draw(frame, size, n);
			number(frame, n);
		}
		if (!send_frame(c, frame, bytes, n & 1))
			break;
		due += c->interval * 100ULL;
		/* as fast as it goes, but without catching up */
		if (due < now_ns())
			due = now_ns();
		else
			sleep_until(due);
	}
	free(frame);
}

static void *send_payload(void *data)
{
	struct camera *c = data;

	for (;;) {
		pthread_mutex_lock(&c->lock);
		c->idle = true;
		pthread_cond_broadcast(&c->changed);
		while (!c->streaming)
			pthread_cond_wait(&c->changed, &c->lock);
		c->idle = false;
		pthread_mutex_unlock(&c->lock);

		send_frames(c);

		/* the other end is gone: wait for the next one */
		pthread_mutex_lock(&c->lock);
		c->streaming = false;
		pthread_mutex_unlock(&c->lock);
	}
	return NULL;
}

static void start_streaming(struct camera *c)
{
	pthread_mutex_lock(&c->lock);
	c->streaming = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

/*
 * A host that stops does not say so, it just does not read any more. Whoever starts
 * must not get the rest of that frame: the signal ends the transfer in progress.
 */
static void stop_streaming(struct camera *c)
{
	pthread_mutex_lock(&c->lock);
	c->streaming = false;
	while (!c->idle) {
		struct timespec t;

		/* again and again, as it may come before the transfer begins */
		pthread_kill(c->thread, SIGUSR1);
		clock_gettime(CLOCK_REALTIME, &t);
		t.tv_nsec += 1000000;
		if (t.tv_nsec >= 1000000000) {
			t.tv_nsec -= 1000000000;
			t.tv_sec++;
		}
		pthread_cond_timedwait(&c->changed, &c->lock, &t);
	}
	pthread_mutex_unlock(&c->lock);
}

static void interrupt(int number)
{
	(void)number;
}

/*
 * Requests
 */

/* What this camera makes of what the host would like. */
static void negotiate(struct camera *c, const struct uvc_streaming_control *wish)
{
	unsigned int frame = wish->bFrameIndex;

	if (frame < 1 || frame > ARRAY_LEN(sizes))
		frame = 1;
	c->probe = (struct uvc_streaming_control) {
		.bmHint = wish->bmHint,
		.bFormatIndex = 1,
		.bFrameIndex = frame,
		.dwFrameInterval = c->interval,
		.dwMaxVideoFrameSize = frame_size(frame - 1),
		.dwMaxPayloadTransferSize = PAYLOAD_SIZE,
		.dwClockFrequency = CLOCK_HZ,
		.bPreferedVersion = 1,
		.bMinVersion = 1,
		.bMaxVersion = 1,
	};
}

static int set_streaming(struct camera *c, const struct usb_ctrlrequest *setup,
			 uint8_t selector)
{
	struct uvc_streaming_control wish = {};
	bool commit = selector == UVC_VS_COMMIT_CONTROL;
	int ret;

	/* once this request is answered the host may read */
	if (commit)
		stop_streaming(c);
	ret = receive(c, setup, &wish, sizeof(wish));
	if (ret < 0)
		return ret;
	negotiate(c, &wish);
	if (commit)
		start_streaming(c);
	return ret;
}

static int streaming_request(struct camera *c,
			     const struct usb_ctrlrequest *setup)
{
	static const uint8_t length[] = { sizeof(c->probe), 0 };
	static const uint8_t info = 3;	/* GET and SET */
	uint8_t selector = setup->wValue >> 8;

	if (selector != UVC_VS_PROBE_CONTROL &&
	    selector != UVC_VS_COMMIT_CONTROL)
		return stall(c);

	switch (setup->bRequest) {
	case UVC_SET_CUR:
		return set_streaming(c, setup, selector);
	case UVC_GET_CUR:
	case UVC_GET_MIN:
	case UVC_GET_MAX:
	case UVC_GET_DEF:
		return answer(c, setup, &c->probe, sizeof(c->probe));
	case UVC_GET_LEN:
		return answer(c, setup, length, sizeof(length));
	case UVC_GET_INFO:
		return answer(c, setup, &info, sizeof(info));
	default:
		return stall(c);
	}
}

static int get_descriptor(struct camera *c, const struct usb_ctrlrequest *setup)
{
	switch (setup->wValue >> 8) {
	case USB_DT_DEVICE:
		return answer(c, setup, &device, sizeof(device));
	case USB_DT_CONFIG:
		return answer(c, setup, &configuration, sizeof(configuration));
	case USB_DT_STRING:
		if ((setup->wValue & 0xff) == STRING_LANGUAGES)
			return answer(c, setup, &languages, sizeof(languages));
		return answer(c, setup, &product, sizeof(product));
	default:
		return stall(c);
	}
}

static int set_configuration(struct camera *c,
			     const struct usb_ctrlrequest *setup)
{
	struct usb_endpoint_descriptor endpoint = {
		.bLength = USB_DT_ENDPOINT_SIZE,
		.bDescriptorType = USB_DT_ENDPOINT,
		.bEndpointAddress = BULK_ENDPOINT,
		.bmAttributes = USB_ENDPOINT_XFER_BULK,
		.wMaxPacketSize = BULK_PACKET,
	};

	if (c->endpoint < 0)
		c->endpoint = ioctl(c->fd, USB_RAW_IOCTL_EP_ENABLE, &endpoint);
	if (c->endpoint < 0)
		die("the endpoint can't be enabled");
	if (ioctl(c->fd, USB_RAW_IOCTL_CONFIGURE, 0) < 0)
		die("the device can't be configured");
	return receive(c, setup, NULL, 0);
}

static int standard_request(struct camera *c,
			    const struct usb_ctrlrequest *setup)
{
	static const uint8_t zero;

	switch (setup->bRequest) {
	case USB_REQ_GET_DESCRIPTOR:
		return get_descriptor(c, setup);
	case USB_REQ_SET_CONFIGURATION:
		return set_configuration(c, setup);
	case USB_REQ_GET_INTERFACE:
		return answer(c, setup, &zero, sizeof(zero));
	case USB_REQ_SET_INTERFACE:
		return receive(c, setup, NULL, 0);
	default:
		return stall(c);
	}
}

static int control_request(struct camera *c,
			   const struct usb_ctrlrequest *setup)
{
	switch (setup->bRequestType & USB_TYPE_MASK) {
	case USB_TYPE_STANDARD:
		return standard_request(c, setup);
	case USB_TYPE_CLASS:
		if ((setup->wIndex & 0xff) == INTERFACE_STREAMING)
			return streaming_request(c, setup);
		return stall(c);
	default:
		return stall(c);
	}
}

static void open_gadget(struct camera *c)
{
	struct usb_raw_init init = {
		.driver_name = "dummy_udc",
		.device_name = "dummy_udc.0",
		.speed = USB_SPEED_HIGH,
	};

	c->fd = open("/dev/raw-gadget", O_RDWR | O_CLOEXEC);
	if (c->fd < 0)
		die("/dev/raw-gadget");
	if (ioctl(c->fd, USB_RAW_IOCTL_INIT, &init) < 0 ||
	    ioctl(c->fd, USB_RAW_IOCTL_RUN, 0) < 0)
		die("no gadget on dummy_udc.0");
}

static void serve(struct camera *c)
{
	for (;;) {
		struct request r = { .event.length = sizeof(r.setup) };

		if (ioctl(c->fd, USB_RAW_IOCTL_EVENT_FETCH, &r) < 0) {
			if (errno == EINTR)
				continue;
			die("no event");
		}
		switch (r.event.type) {
		case USB_RAW_EVENT_CONTROL:
			/* the host may have given up meanwhile */
			if (control_request(c, &r.setup) < 0)
				fprintf(stderr, "uvc-camera: request %02x %02x: %s\n",
					r.setup.bRequestType, r.setup.bRequest,
					strerror(errno));
			break;
		case USB_RAW_EVENT_RESET:
		case USB_RAW_EVENT_DISCONNECT:
			stop_streaming(c);
			break;
		default:
			break;
		}
	}
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "count", no_argument, NULL, 'c' },
		{ "rate", required_argument, NULL, 'r' },
		{}
	};
	static struct camera c = {
		.endpoint = -1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	struct sigaction action = { .sa_handler = interrupt };
	int option, rate = 30;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'c')
			c.count = true;
		else if (option == 'r')
			rate = atoi(optarg);
		else
			return 2;
	}
	if (rate < 1 || rate > 1000 || optind != argc) {
		fputs("usage: uvc-camera [--count] [--rate FRAMES_PER_SECOND]\n",
		      stderr);
		return 2;
	}
	c.interval = 10000000 / rate;
	describe_frames(c.interval);
	negotiate(&c, &(struct uvc_streaming_control) {});
	sigaction(SIGUSR1, &action, NULL);

	open_gadget(&c);
	errno = pthread_create(&c.thread, NULL, send_payload, &c);
	if (errno)
		die("no thread");
	puts("ready");
	fflush(stdout);
	serve(&c);
}
