"""Made-up Chinese names, codes, phones and mailboxes that keep every rule of the forms."""

import random

from pypinyin import lazy_pinyin
from stdnum.cn import uscc

CITIES = {
    "杭州": ("330000", "330100"),
    "宁波": ("330000", "330200"),
    "苏州": ("320000", "320500"),
    "南京": ("320000", "320100"),
    "合肥": ("340000", "340100"),
    "济南": ("370000", "370100"),
    "青岛": ("370000", "370200"),
    "郑州": ("410000", "410100"),
    "武汉": ("420000", "420100"),
    "长沙": ("430000", "430100"),
    "广州": ("440000", "440100"),
    "深圳": ("440000", "440300"),
    "东莞": ("440000", "441900"),
    "成都": ("510000", "510100"),
    "西安": ("610000", "610100"),
    "厦门": ("350000", "350200"),
    "沈阳": ("210000", "210100"),
    "昆明": ("530000", "530100"),
}
TRADES = {
    "机械": "C34",
    "精密机械": "C34",
    "智能装备": "C35",
    "汽车零部件": "C36",
    "电气": "C38",
    "电子科技": "C39",
    "仪器仪表": "C40",
    "金属制品": "C33",
    "新材料": "C26",
    "生物医药": "C27",
    "食品": "C14",
    "纺织": "C17",
    "家居": "C21",
    "建筑工程": "E48",
    "装饰工程": "E50",
    "贸易": "F51",
    "商贸": "F52",
    "供应链管理": "G58",
    "物流": "G54",
    "餐饮管理": "H62",
    "酒店管理": "H61",
    "软件": "I65",
    "信息技术": "I65",
    "网络科技": "I64",
    "物业管理": "K70",
    "企业管理咨询": "L72",
    "广告传媒": "L72",
    "检测技术": "M74",
    "环保科技": "N77",
    "教育科技": "P83",
    "医疗器械": "C35",
    "文化传播": "R88",
}
FORMS = ("有限公司",) * 14 + ("股份有限公司",) * 2 + ("集团有限公司", "有限责任公司", "合伙企业（有限合伙）")
_SYLLABLES = (
    "恒远宏达锐创瑞丰鼎盛博雅嘉禾天岳华信凯越泰和明德朗润景逸优胜卓尔启航星海云帆金桥万隆中科东升立新永安同济兴业正源长青汇通"
    "百川众诚安捷力拓润泽昊宇弘毅瀚海晟元铭诺佳美智联盈科翔飞睿思聚合腾辉欧亚艾特康健德邦奥宁远洋普惠维康光谷裕民沃野蓝天"
)
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
_GIVEN = "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超霞平刚建国华文志远晓东雅琴子轩雨晨思远嘉怡浩然欣妍博文梓涵俊峰宇航晨曦"
_POSITIONS = ("总经理", "采购经理", "技术总监", "财务主管", "项目负责人", "行政主管", "生产厂长", "销售总监")


class Inventor:
    """Invents names, the same ones for the same seed; no two companies share a name."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._taken: set[str] = set()

    def company(self) -> tuple[str, str, str]:
        """A registered name with its city and trade."""
        while True:
            city, trade = self.random.choice(list(CITIES)), self.random.choice(list(TRADES))
            mark = "".join(self.random.choices(_SYLLABLES, k=self.random.choice((2, 2, 3))))
            name = f"{city}{mark}{trade}{self.random.choice(FORMS)}"
            if name not in self._taken:
                self._taken.add(name)
                return name, city, trade

    def person(self) -> str:
        """A person's name of two or three characters."""
        return self.random.choice(_SURNAMES) + "".join(self.random.choices(_GIVEN, k=self.random.choice((1, 2, 2, 2))))

    def credit_code(self, city: str) -> str:
        """A 统一社会信用代码 with the right check digit."""
        region = CITIES[city][1]
        body = f"91{region}MA" + "".join(self.random.choices("0123456789ABCDEFGHJKLMNPQRTUWXY", k=7))
        return body + uscc.calc_check_digit(body)

    def phone(self) -> str:
        """A mobile number."""
        return self.random.choice(("13", "15", "17", "18", "19")) + "".join(self.random.choices("0123456789", k=9))

    def contact(self, company: str) -> dict[str, str]:
        """A contact with everything a complete one has."""
        name = self.person()
        mailbox = f"{''.join(lazy_pinyin(name))}{self.random.randrange(1000)}@{''.join(lazy_pinyin(company[2:4]))}.example.com"
        return {"name": name, "position": self.random.choice(_POSITIONS), "phone": self.phone(), "email": mailbox}
